"""V1, V8, V12: programs that would run as a build user, and who could reach them."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from larix.builder import realise
from larix.builder.errors import CannotBuild
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event
from larix.store import open_local_store
from security.den import BYSTANDER, Den, as_user, error_of

pytestmark = pytest.mark.slow


def run(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("outcome", ["kept", "failed"])
def test_no_set_id_program_comes_into_being(den: Den, outcome: str) -> None:
    """V1: while it is built, H looks at it, and runs what there is when it is done."""
    text = """
    mkdir $out /tmp/shared; cp $setid $out/tool; cp $setid /tmp/shared/tool
    $setid $out/tool $out; $setid /tmp/shared/tool /tmp/shared
    mkfifo go; echo ready; read status < go; exit $status
    """
    lowered = den.script("set-id", text, programs=["setid"])
    with den.building(lowered) as building:
        building.wait_for("ready")
        found = [
            os.path.join(folder, name)
            for folder, _, files in os.walk(den.builds)
            for name in files
            if os.lstat(os.path.join(folder, name)).st_mode & 0o6000
        ]
        tools = [*den.builds.glob("*/store/*-set-id/tool"), *den.builds.glob("*/scratch/shared/tool")]
        assert len(tools) == 2
        refused = as_user(BYSTANDER, lambda: [error_of(lambda t=t: run(t)) for t in tools])
        (den.build_folder(lowered) / "go").write_text("0\n" if outcome == "kept" else "9\n")
        told = building.told()
    assert found == []
    assert refused == ["PermissionError"] * 2
    results = [line.rsplit(" ", 1) for line in told.lines if line[-1:].isdigit()]
    assert len(results) > 150
    plain = [word for word, number in results if word.startswith("plain") and number == "0"]
    assert plain == ["plain-555", "plain-1750"] * 2
    assert [word for word, number in results if number == "0" and not word.startswith("plain")] == []
    if outcome == "failed":
        assert "exit code 9" in told.error
        assert not os.path.lexists(lowered.output_path())
        return
    assert not told.error
    tool = Path(told.outputs["out"]) / "tool"
    assert stat.S_IMODE(tool.stat().st_mode) == 0o555
    ran = as_user(BYSTANDER, lambda: run(tool))
    assert ran == f"{BYSTANDER} {BYSTANDER}\n"


def test_a_stray_process_of_the_same_build_user_reaches_no_build(den: Den) -> None:
    """V8: B has opened what it owns, and somebody runs under its very number."""
    text = """
    mkdir $out; cp $setid $out/helper; chmod 777 . $out $out/helper; chmod 777 .. || echo refused
    echo secret > note; mkfifo go; echo ready; read x < go
    """
    lowered = den.script("open", text, programs=["setid"])
    with den.building(lowered) as building:
        building.wait_for("ready")
        folder = den.build_folder(lowered)
        builder = folder.stat().st_uid
        [output] = den.builds.glob("*/store/*-open")

        def reach() -> list[str]:
            return [
                error_of(lambda: os.listdir(folder)),
                error_of(lambda: os.listdir(folder.parent)),
                error_of((folder / "note").read_text),
                error_of(lambda: (folder / "note").write_text("changed")),
                error_of(lambda: (output / "new").write_text("x")),
                error_of(lambda: os.chmod(output, 0o700)),
                error_of(lambda: run(output / "helper")),
            ]

        strays = [as_user(uid, reach) for uid in (builder, BYSTANDER)]
        (folder / "go").write_text("\n")
        told = building.told()
    assert strays == [["PermissionError"] * 7] * 2
    assert "refused" in told.lines
    assert not told.error


def test_no_two_builds_at_once_are_one_user(den: Den) -> None:
    """V8: not after one that could not be started either, which gives its user back once."""
    valid = den.client(lambda store: store.add_text("note", b"note"))
    graph = {"exportReferencesGraph": f"{'x' * 300} {valid}"}
    impossible = den.script("impossible", "echo > $out", env=graph)
    text = "mkfifo go; read inside outside n < /proc/self/uid_map; echo $outside; read x < go; echo > $out"
    several = [den.script(f"user-{number}", text) for number in range(2)]
    told = den.build(impossible)
    assert "File name too long" in told.error
    assert told.kind == "CannotBuild"
    assert "Traceback" not in den.daemon.log()
    uids: list[bytes] = []

    def sink(event: Event) -> None:
        if not isinstance(event, BuildLog):
            return
        uids.append(event.line)
        if len(uids) == 2:  # both are running
            for pipe in den.builds.glob("*/scratch/*/go"):
                pipe.write_text("\n")

    with open_local_store(den.daemon.layout) as store:
        store.instantiate([impossible, *several])
        targets = [BuildTarget(each.path) for each in (impossible, *several)]
        with pytest.raises(CannotBuild):
            realise(store, targets, BuildOptions(max_jobs=2, keep_going=True), sink)
        assert len(store.valid_paths([each.output_path() for each in several])) == 2
    assert len(set(uids)) == 2
