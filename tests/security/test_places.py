"""V3, V15, V32: folders that others could have made, and folders that others make what they like in."""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from larix.client.store import DaemonStore
from larix.errors import LarixError
from larix.formats.storepath import StorePath
from larix.store.roots import find_roots
from security.den import BYSTANDER, CLIENT, Den, as_user, error_of, make_deep, needs_root, rounds

pytestmark = pytest.mark.slow


def writable_places(daemon: Daemon) -> list[str]:
    """What a stranger can change below the folders of store and state, found as the stranger."""

    def search() -> list[str]:
        found: list[str] = []
        for top in (daemon.layout.store_dir, daemon.layout.state_dir, daemon.layout.log_dir):
            for folder, folders, files in os.walk(top):
                for name in (".", *folders, *files):
                    file = os.path.join(folder, name)
                    kind = os.lstat(file).st_mode
                    if not (stat.S_ISLNK(kind) or stat.S_ISSOCK(kind)) and os.access(file, os.W_OK):
                        found.append(os.path.normpath(file))
        return found

    found: list[str] = as_user(BYSTANDER, search)
    return found


def prepared(daemon: Daemon) -> Den:
    """After a build, a download that fails, a text and a session have made what they make."""
    den = Den(daemon)
    told = den.build(den.script("any", "echo > $out"))
    assert not told.error
    den.client(lambda store: store.add_text("note", b"note"))
    return den


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o002])
def test_nothing_of_store_and_state_is_writable_for_others(umask: int) -> None:
    """V15: whatever umask the service manager has."""
    needs_root()
    before = os.umask(umask)
    try:
        with running_daemon() as daemon:
            prepared(daemon)
            assert writable_places(daemon) == []
    finally:
        os.umask(before)


def test_nobody_makes_the_folders_of_another_user(den: Den) -> None:
    """V3: who comes first would own what the other uses later."""
    den.client(lambda _store: None)
    for parent in ("profiles/per-user", "gcroots/per-user"):
        folder = Path(den.daemon.layout.state_dir) / parent
        assert as_user(CLIENT, lambda f=folder: error_of(lambda: os.mkdir(f / "alice"))) == "PermissionError"
        assert (
            as_user(CLIENT, lambda f=folder: error_of(lambda: os.symlink("/x", f / "alice")))
            == "PermissionError"
        )
        own = folder / str(CLIENT)
        assert own.stat().st_uid == CLIENT
        assert stat.S_IMODE(own.stat().st_mode) & 0o022 == 0
        assert (
            as_user(BYSTANDER, lambda f=own: error_of(lambda: os.symlink("/x", f / "profile")))
            == "PermissionError"
        )


def test_a_link_in_place_of_a_users_folder_is_not_followed(den: Den) -> None:
    """V3, V35: it would have to be root's own, and even then nothing is given away."""
    canary = den.canary().parent
    folder = Path(den.daemon.layout.state_dir) / "profiles/per-user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(CLIENT)).symlink_to(canary)
    den.client(lambda _store: None)
    assert canary.stat().st_uid == 0


def own_folder(den: Den) -> Path:
    den.client(lambda _store: None)
    return Path(den.daemon.layout.state_dir) / "profiles/per-user" / str(CLIENT)


@pytest.mark.parametrize("kind", ["deep", "loop", "odd names", "long link", "closed"])
def test_what_a_client_does_in_its_own_folder_stops_no_collection(den: Den, kind: str) -> None:
    """V32: everybody's collections look there for roots."""
    folder = own_folder(den)
    kept = den.client(lambda store: store.add_text("kept", b"kept"))
    lost = den.client(lambda store: store.add_text("lost", b"lost"))

    def plant() -> None:
        os.symlink(kept, folder / "root")
        if kind == "deep":
            make_deep(folder, 2500)
        elif kind == "loop":
            os.symlink(folder / "b", folder / "a")
            os.symlink(folder / "a", folder / "b")
            os.symlink(folder, folder / "itself")
        elif kind == "odd names":
            os.symlink(kept, os.fsencode(folder) + b"/\xff\xfe\n{temp:1}")
            os.symlink(b"/\xff\n", os.fsencode(folder) + b"/odd")
        elif kind == "long link":
            os.symlink("x/" * 2000, folder / "long")
            os.symlink("/" + "y" * 4000, folder / "longer")
        else:
            (folder / "closed").mkdir(0o000)
            os.mkfifo(folder / "pipe")

    as_user(CLIENT, plant)
    with den.daemon.store() as store:
        collected, _ = store.collect(2)
        assert lost in collected
        assert kept not in collected
        assert store.is_valid(StorePath(kept))
        assert kept in {path for _, path in store.find_roots()}


def test_temporary_folders_are_the_daemons_own(den: Den, monkeypatch: pytest.MonkeyPatch) -> None:
    """V15: what the client's environment says has no effect, and nothing is made where others can."""
    monkeypatch.setenv("TMPDIR", str(den.folder / "planted"))
    lowered = den.script("where", "mkfifo go; echo ready; read x < go; echo > $out")
    with den.building(lowered) as building:
        building.wait_for("ready")
        [workspace] = den.builds.iterdir()
        status = workspace.stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o700)
        assert len(workspace.name) >= 24  # nobody guesses it
        assert not den.builds.stat().st_mode & 0o022
        (den.build_folder(lowered) / "go").write_text("\n")
        assert not building.told().error
    assert list(den.builds.iterdir()) == []


@pytest.mark.parametrize("planted", ["folder", "link", "locked folder"])
def test_a_planted_workspace_is_not_entered(den: Den, monkeypatch: pytest.MonkeyPatch, planted: str) -> None:
    """V15: as if the name had been guessed, and the parent could be written."""
    canary = den.canary().parent
    den.builds.mkdir(parents=True)
    place = den.builds / "planted"
    if planted == "link":
        place.symlink_to(canary)
    else:
        place.mkdir()
        os.chown(place, CLIENT, CLIENT)
        (place / "root").symlink_to(canary)
    with monkeypatch.context() as patched:
        patched.setattr("larix.builder.workspace.os.urandom", _same)
        from larix.builder.workspace import Workspaces

        spaces = Workspaces(str(den.builds), keep_places=True)
        spaces._is_ready = planted == "locked folder"  # else what is stale is removed first
        if planted == "folder":
            taken = spaces.take()
            assert os.stat(taken.folder).st_uid == 0
            spaces.give_back(taken)
        else:
            with pytest.raises(FileExistsError):
                spaces.take()
        spaces.close()
    assert (canary / "canary").read_text() == "precious"


class _Planted(bytes):
    def hex(self, *_: object) -> str:  # type: ignore[override]
        return "planted"


def _same(_size: int) -> bytes:
    return _Planted(b"x")


def test_the_name_of_anothers_root_is_not_told(den: Den) -> None:
    """V32: neither by a list nor by a refusal."""
    theirs = den.client(lambda store: store.add_text("theirs", b"theirs"), BYSTANDER)
    own = den.client(lambda store: store.add_text("own", b"own"))
    secret = Path(den.daemon.layout.gc_roots_dir) / "secret"
    secret.symlink_to(theirs)
    link = own_folder(den) / "link"
    as_user(CLIENT, lambda: os.symlink(own, link))

    def ask(store: DaemonStore, path: str) -> str:
        try:
            store.collect(3, [StorePath(path)])
        except LarixError as error:
            return f"{error} {error.hint}"
        return ""

    refusal = den.client(lambda store: ask(store, theirs))
    assert "still alive" in refusal
    assert "secret" not in refusal
    assert str(link) in den.client(lambda store: ask(store, own))
    with den.daemon.store() as store:
        assert str(secret) in ask(store, theirs)


def test_links_that_come_and_go_hide_no_root(den: Den) -> None:
    """A client has links noted all the time, whose temporary names are gone when they are looked at."""
    lasting = den.client(lambda store: [store.add_text(f"kept-{number}", b"kept") for number in range(50)])
    homes = den.folder / "homes"
    homes.mkdir()
    with den.daemon.store() as store:
        for number, path in enumerate(lasting):
            (homes / str(number)).symlink_to(path)
            store.add_indirect_root(str(homes / str(number)))
    stop, end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(end)
            os.setresgid(CLIENT, CLIENT, CLIENT)
            os.setresuid(CLIENT, CLIENT, CLIENT)
            with den.daemon.store() as store:
                while not select.select([stop], [], [], 0)[0]:
                    store.add_indirect_root("/nowhere/at/all")
            status = 0
        finally:
            os._exit(status)
    os.close(stop)
    missed = 0
    try:
        for _ in range(rounds(300)):
            found = {root.path for root in find_roots(den.daemon.layout)}
            missed += not found.issuperset(lasting)
    finally:
        os.close(end)
        _, status = os.waitpid(child, 0)
    assert missed == 0
    assert status == 0
