"""V4, V7: the folder of a failed build, which its client wants to see (`--keep-failed`)."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from larix.builder import keep
from larix.builder.keep import keep_tree
from larix.store.atomic import remove_tree
from security.den import BYSTANDER, CLIENT, Den, Told, as_user, error_of, make_deep, needs_root

pytestmark = pytest.mark.slow


def kept(told: Told) -> Path | None:
    """The folder that was kept, if any; it is removed with the test."""
    found = re.search(r"keeping build directory `([^']*)'", told.hint)
    return Path(found[1]) if found else None


@pytest.mark.parametrize("plant", ["environment-variables", "."])
def test_a_link_left_by_the_builder_leads_nowhere(den: Den, plant: str) -> None:
    """V7: larix writes a file into the folder that it keeps, as root."""
    canary = den.canary("environment-variables")
    if plant == ".":
        text = f'cd /; rm -rf "$TMPDIR"; ln -s {canary.parent} "$TMPDIR"; exit 9'
    else:
        text = f"ln -s {canary} environment-variables; exit 9"
    told = den.build(den.script("trap", text, env={"payload": "evil"}), keep_failed=True)
    folder = kept(told)
    try:
        assert "exit code 9" in told.error
        assert canary.read_text() == "precious"
        assert sorted(os.listdir(canary.parent)) == [canary.name]
    finally:
        if folder is not None:
            shutil.rmtree(folder)


def test_another_name_of_a_file_of_roots_is_not_given_away(den: Den) -> None:
    """V4: as if a bystander had got into the folder of the running build and linked it there."""
    canary = den.canary()
    os.chmod(canary, 0o640)
    text = """
    mkdir deep; mkfifo deep/go; echo own > deep/own; chmod 777 . deep; chmod 777 .. || :
    echo ready; read x < deep/go; exit 9
    """
    lowered = den.script("linked", text)
    with den.building(lowered, keep_failed=True) as building:
        building.wait_for("ready")
        folder = den.build_folder(lowered)
        refusals = as_user(
            BYSTANDER,
            lambda: [
                error_of(lambda: os.listdir(folder)),
                error_of(lambda: os.link("/etc/passwd", folder / "passwd")),
                error_of(lambda: (folder / "deep" / "new").write_text("x")),
            ],
        )
        os.link(canary, folder / "deep" / "linked")
        builder = (folder / "deep" / "own").stat().st_uid
        (folder / "deep" / "go").write_text("\n")
        told = building.told()
    place = kept(told)
    assert place is not None
    try:
        assert refusals == ["PermissionError"] * 3
        status = canary.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, 0, 0o640)
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert builder != 0
        assert (place / "deep" / "own").stat().st_uid == CLIENT
        assert as_user(CLIENT, (place / "deep" / "own").read_text) == "own\n"
        assert as_user(BYSTANDER, lambda: error_of(lambda: os.listdir(place))) == "PermissionError"
    finally:
        shutil.rmtree(place)


def test_what_belongs_to_another_user_stays_theirs(den: Den) -> None:
    """V4: only what the builder made is handed over."""
    lowered = den.script("mixed", "mkfifo go; echo ready; read x < go; exit 9")
    with den.building(lowered, keep_failed=True) as building:
        building.wait_for("ready")
        folder = den.build_folder(lowered)
        (folder / "foreign").write_text("x")
        os.chown(folder / "foreign", BYSTANDER, BYSTANDER)
        (folder / "go").write_text("\n")
        told = building.told()
    place = kept(told)
    assert place is not None
    try:
        assert (place / "foreign").stat().st_uid == BYSTANDER
        assert (place / "environment-variables").stat().st_uid == CLIENT
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_tree_without_end_is_no_obstacle(tmp_path: Path, elsewhere: bool) -> None:
    """V32: deeper than any name is long, kept on the same file system or copied to another."""
    needs_root()
    top = tmp_path / "build"
    top.mkdir()
    if elsewhere:
        memory = Path("/dev/shm")
        if memory.stat().st_dev == Path("/tmp").stat().st_dev:
            pytest.skip("there is no second file system")
        top = Path(tempfile.mkdtemp(prefix="larix-test-", dir=memory))
    try:
        make_deep(top, 2500)
        os.lchown(top, BYSTANDER, BYSTANDER)
        place = keep_tree(str(top), f"endless-{os.getpid()}", built_by=BYSTANDER)
        assert os.stat(place).st_uid == 0
        remove_tree(place)
    finally:
        remove_tree(str(top))


@pytest.mark.parametrize("elsewhere", [False, True])
def test_only_what_the_builder_made_is_the_clients(tmp_path: Path, elsewhere: bool) -> None:
    """V4: where it is copied, what has another name is not even read, and no link is followed."""
    needs_root()
    memory = Path("/dev/shm")
    if elsewhere and memory.stat().st_dev == Path("/tmp").stat().st_dev:
        pytest.skip("there is no second file system")
    base = Path(tempfile.mkdtemp(prefix="larix-test-", dir=memory if elsewhere else None))
    builder = BYSTANDER
    top = base / "build"
    (top / "deep").mkdir(parents=True)
    (base / "secret").write_text("secret")
    (base / "secret").chmod(0o600)
    (top / "own").write_text("own")
    for name in (top, top / "deep", top / "own"):
        os.chown(name, builder, builder)
    os.chmod(top / "own", 0o755)
    os.link(base / "secret", top / "deep" / "secret")
    os.symlink(base / "secret", top / "deep" / "link")
    place = None
    try:
        name = f"given-{os.getpid()}"
        place = Path(
            keep_tree(str(top), name, built_by=builder, given_to=(CLIENT, CLIENT), files={"e": b"e"})
        )
        assert as_user(CLIENT, lambda: [(place / each).read_text() for each in ("own", "e")]) == ["own", "e"]
        for each in (".", "deep", "own", "e"):
            assert (place / each).stat().st_uid == CLIENT
        assert stat.S_IMODE((place / "own").stat().st_mode) == 0o755
        assert os.readlink(place / "deep" / "link") == str(base / "secret")
        assert (base / "secret").stat().st_uid == 0
        assert (place / "deep" / "secret").exists() is not elsewhere
    finally:
        remove_tree(str(base))
        if place is not None:
            remove_tree(str(place))


def test_a_folder_that_is_moved_away_meanwhile_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V4: who has got hold of an inner folder moves it, so that above it there is something else."""
    needs_root()
    top, outside = tmp_path / "build", tmp_path / "outside"
    (top / "a" / "b").mkdir(parents=True)
    (outside / "a").mkdir(parents=True)
    (outside / "a" / "file").write_text("x")
    for name in (top, top / "a", top / "a" / "b", outside / "a" / "file"):
        os.chown(name, BYSTANDER, BYSTANDER)
    give = keep._give_files

    def give_and_move(folder: int, *ids: int) -> list[str]:
        names = give(folder, *ids)
        if not names and (moved := list(Path("/tmp").glob(f"larix-build-moved-{os.getpid()}.drv-*/a/b"))):
            moved[0].rename(outside / "b")
        return names

    monkeypatch.setattr(keep, "_give_files", give_and_move)
    with pytest.raises(OSError, match="Stale"):
        keep_tree(str(top), f"moved-{os.getpid()}", built_by=BYSTANDER, given_to=(CLIENT, CLIENT))
    assert (outside / "a" / "file").stat().st_uid == BYSTANDER
    assert not list(Path("/tmp").glob(f"larix-build-moved-{os.getpid()}.drv-*"))
