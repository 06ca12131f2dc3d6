"""Build users, workspaces, logs, what is told when namespaces are refused, and the builder's environment."""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.conftest import Workshop
from larix.builder import realise
from larix.builder.environment import shell_assignments
from larix.builder.keep import keep_tree
from larix.builder.logs import BuildLogger
from larix.builder.sandbox import privileges
from larix.builder.sandbox.unavailable import SandboxUnavailable
from larix.builder.sandbox.users import UserPool
from larix.builder.treediff import differing_files
from larix.builder.workspace import Workspaces
from larix.formats.storepath import StorePath
from larix.protocol import BuildLog, BuildOptions, BuildPhase, BuildTarget, Event, ignore_events
from larix.store import open_local_store
from larix.store.errors import DiskFull, StoreError

DRV = StorePath("/larix/store/00000000000000000000000000000000-x.drv")


def test_no_two_holders_share_a_build_user(tmp_path: Path) -> None:
    first, second = UserPool(str(tmp_path)), UserPool(str(tmp_path))
    users = [pool.acquire() for pool in (first, second, first, second)]
    uids = [user.uid for user in users if user is not None]
    assert len(set(uids)) == 4
    assert all(uid >= 65_000 - 256 for uid in uids)
    if users[0] is not None:
        first.release(users[0])
        again = first.acquire()
        assert again is not None
        assert again.uid == users[0].uid
    first.close()
    second.close()


def test_build_user_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        user = UserPool(str(tmp_path)).acquire()
        os.write(writing, str(user.uid if user else 0).encode())
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    taken = int(os.read(reading, 100))
    user = UserPool(str(tmp_path)).acquire()
    assert user is not None
    assert user.uid == taken
    os.close(reading)
    os.close(writing)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has build users")
def test_parallel_builds_run_as_different_users(workshop: Workshop) -> None:
    several = [
        workshop.script(f"job-{number}", "sleep 0.3; echo > $out; cat /proc/self/loginuid || :")
        for number in (1, 2)
    ]
    seen: list[set[str]] = []

    def sink(event: Event) -> None:
        if isinstance(event, BuildLog):
            return
        locks = Path(workshop.store.layout.state_dir) / "userpool"
        held = {name for name in os.listdir(locks) if _is_locked(locks / name)} if locks.exists() else set()
        seen.append(held)

    workshop.store.instantiate(several)
    realise(workshop.store, [BuildTarget(each.path) for each in several], BuildOptions(max_jobs=2), sink)
    assert max(map(len, seen)) == 2
    assert not any(
        _is_locked(file) for file in (Path(workshop.store.layout.state_dir) / "userpool").iterdir()
    )


def _is_locked(file: Path) -> bool:
    with file.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_workspace_keeps_no_trace_of_the_build_before(tmp_path: Path) -> None:
    spaces = Workspaces(str(tmp_path / "builds"), keep_places=True)
    space = spaces.take()
    space.prepare(["a", "b"])
    for name in ("a", "b", "output"):
        Path(space.store, name).mkdir()
    Path(space.scratch, "deep", "er").mkdir(parents=True)
    spaces.give_back(space)
    assert "output" not in os.listdir(space.store)
    assert os.listdir(space.scratch) == []
    again = spaces.take()
    assert again is space
    again.prepare(["b", "c"])
    assert set(os.listdir(again.store)) <= {"b"}
    spaces.give_back(again)
    spaces.close()
    assert os.listdir(tmp_path / "builds") == []


def test_workspace_of_a_living_session_is_left_alone(tmp_path: Path) -> None:
    one, two = (Workspaces(str(tmp_path), keep_places=True) for _ in range(2))
    first, second = one.take(), two.take()
    assert os.path.isdir(first.folder)
    assert stat_mode(first.folder) == 0o700
    for spaces, space in ((one, first), (two, second)):
        spaces.give_back(space)
        spaces.close()


def stat_mode(file: str) -> int:
    return os.stat(file).st_mode & 0o7777


def test_root_of_a_namespace_without_other_users_builds_as_itself(workshop: Workshop) -> None:
    """As in a container of an ordinary user, where root is that user and nobody else exists."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs the program unshare")
    drv = workshop.script("any", "id -u; : > $out")
    workshop.store.instantiate([drv])
    program = f"""
from larix.builder import realise
from larix.protocol import BuildTarget
from larix.store import Layout, open_local_store
with open_local_store(Layout(*{tuple(workshop.store.layout)!r})) as store:
    realise(store, [BuildTarget({drv.path!r})], sink=lambda event: print(getattr(event, "line", "")))
"""
    done = subprocess.run(
        [unshare, "-r", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if "unshare failed" in done.stderr:
        pytest.skip(done.stderr)
    assert "b'1000'" in done.stdout, done.stderr
    assert workshop.store.is_valid(drv.output_path())


def test_two_builds_in_one_workspace_do_not_see_each_other(workshop: Workshop) -> None:
    first = workshop.script("first", "echo secret > /tmp/left; echo > $NIX_STORE/stray; echo x > $out")
    dependency = workshop.script("dependency", "echo y > $out")
    second = workshop.script("second", "ls -A /tmp $NIX_STORE; : > $out", inputs=[dependency])
    workshop.build(first, second)
    text = "\n".join(workshop.lines())
    assert "left" not in text
    assert "stray" not in text
    assert dependency.output_path().rpartition("/")[2] in text


def test_refused_namespaces_are_explained_and_nothing_runs(workshop: Workshop) -> None:
    """In a user namespace that allows no others, as some distributions and containers are set up."""
    drv = workshop.script("any", "echo ran; : > $out")
    workshop.store.instantiate([drv])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _realise_without_namespaces(workshop, drv.path, writing)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    if text.startswith("cannot:"):
        pytest.skip(text)
    lines = text.splitlines()
    assert "unshare" in lines[0]
    assert "ENOSPC" in lines[0]
    assert "`/proc/sys/user/max_user_namespaces` is 0" in lines[0]
    assert lines[1] == "as root: `sysctl user.max_user_namespaces=10000`"
    assert not workshop.store.is_valid(drv.output_path())


def _realise_without_namespaces(workshop: Workshop, drv: StorePath, writing: int) -> None:
    def say(text: str) -> None:
        os.write(writing, text.encode() + b"\n")

    try:
        try:
            privileges.enter_user_namespace()
            privileges.forbid_user_namespaces()
        except OSError as error:
            say(f"cannot: {error}")
            return
        with open_local_store(workshop.store.layout) as store:
            try:
                realise(store, [BuildTarget(drv)], BuildOptions(), lambda _: None)
            except SandboxUnavailable as error:
                say(error.message)
                say(str(error.hint))
    finally:
        os._exit(0)


@pytest.mark.parametrize(
    ("step", "number", "word"),
    [
        ("mount(proc)", errno.EPERM, "/proc"),
        ("mount(bind)", errno.EPERM, "CAP_SYS_ADMIN"),
        ("setresuid", errno.EINVAL, "larixbuild"),
        ("unshare(process namespace)", errno.EINVAL, "kernel"),
    ],
)
def test_each_refused_step_has_a_hint(step: str, number: int, word: str) -> None:
    error = SandboxUnavailable(step, number)
    assert step in error.message
    assert errno.errorcode[number] in error.message
    assert error.hint is not None
    assert word in error.message + error.hint


def test_unknown_refusal_is_still_told() -> None:
    error = SandboxUnavailable("pivot_root", errno.EBUSY, "/x")
    assert (
        error.message == "cannot isolate builds: pivot_root of `/x` failed: Device or resource busy (EBUSY)"
    )


class Log:
    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.file = folder / "drvs" / "00" / "x.gz"
        self.logger = BuildLogger(DRV, str(self.file), self.events.append)

    def readable(self) -> bytes:
        """What a reader can make of the file as it is now."""
        return zlib.decompressobj(31).decompress(self.file.read_bytes())


def test_log_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.logger.feed(b"first\nsec", 100.0)
    assert log.readable() == b"first\nsec"
    log.logger.feed(b"ond\n", 100.1)
    log.logger.flush(101.0)
    assert log.readable() == b"first\nsecond\n"
    log.logger.close()
    assert gzip.decompress(log.file.read_bytes()) == b"first\nsecond\n"


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_lines_do_not_depend_on_how_output_is_cut(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder))
        for piece in pieces:
            if piece:
                log.logger.feed(piece, 0.0)
        log.logger.close()
        assert gzip.decompress(log.file.read_bytes()) == whole
    expected = whole.split(b"\n")
    if not expected[-1]:
        expected.pop()
    lines = [event.line for event in log.events if isinstance(event, BuildLog)]
    if not any(line.startswith(b"@ phase-") for line in expected):
        assert lines == expected


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "drvs").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write the log `.*/x\.gz`: Not a directory"):
        Log(tmp_path)
    full = BuildLogger(DRV, None, ignore_events)
    full.file, full._descriptor = "/dev/full", os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(DiskFull, match="cannot write the log `/dev/full`: No space left"):
        full.close()


def test_endless_line_is_handed_on_in_pieces(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for _ in range(10):
        log.logger.feed(b"x" * 50_000, 0.0)
    assert log.events
    log.logger.close()
    assert sum(len(event.line) for event in log.events if isinstance(event, BuildLog)) == 500_000


@pytest.mark.parametrize("line", ["@ phase-", "@ phase-start", "@ phase-end build soon", "@ phase-end build"])
def test_malformed_phase_lines_are_ordinary_lines(tmp_path: Path, line: str) -> None:
    log = Log(tmp_path)
    log.logger.feed(line.encode() + b"\n", 0.0)
    assert log.events == [BuildLog(DRV, line.encode())]
    assert not any(isinstance(event, BuildPhase) for event in log.events)
    log.logger.close()


@given(
    st.dictionaries(
        st.sampled_from(["one", "_two", "THREE3"]),
        st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    )
)
def test_environment_file_gives_a_shell_the_same_values(variables: dict[str, str]) -> None:
    text = shell_assignments({name.encode(): value.encode() for name, value in variables.items()})
    script = text + b"".join(b'printf "%%s\\0" "$%b"\n' % name.encode() for name in variables)
    shown = subprocess.run(["sh"], input=script, capture_output=True, check=True, env={}).stdout
    assert shown == b"".join(value.encode() + b"\0" for value in variables.values())


def test_names_that_a_shell_cannot_have_are_left_out() -> None:
    assert shell_assignments({b"a-b": b"1", b"2x": b"1", b"ok": b"1"}) == b"export ok='1'\n"


def test_kept_tree_may_lie_on_another_file_system(tmp_path: Path) -> None:
    shared_memory = Path("/dev/shm")
    if not os.access(shared_memory, os.W_OK) or shared_memory.stat().st_dev == Path("/tmp").stat().st_dev:
        pytest.skip("there is no second file system to write to")
    with tempfile.TemporaryDirectory(dir=shared_memory) as folder:
        tree = Path(folder, "build")
        (tree / "deep").mkdir(parents=True)
        (tree / "deep" / "file").write_text("x")
        (tree / "link").symlink_to("/nowhere")
        os.mkfifo(tree / "pipe")
        kept = Path(keep_tree(str(tree), "elsewhere", built_by=None))
    try:
        assert (kept / "deep" / "file").read_text() == "x"
        assert os.readlink(kept / "link") == "/nowhere"
        assert not (kept / "pipe").exists()
    finally:
        shutil.rmtree(kept)


def test_kept_tree_never_takes_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    planted = Path("/tmp/larix-build-planted.drv-0")
    planted.symlink_to(tmp_path)
    try:
        kept = Path(keep_tree(str(tmp_path / "build"), "planted", built_by=None))
        assert kept.name == "larix-build-planted.drv-1"
        kept.rmdir()
    finally:
        planted.unlink()


def test_differences_of_trees_are_named(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for top in (one, two):
        (top / "same").mkdir(parents=True)
        (top / "same" / "file").write_text("equal")
        (top / "program").write_text("equal")
    (one / "text").write_text("a")
    (two / "text").write_text("b")
    (two / "program").chmod(0o755)
    (one / "link").symlink_to("a")
    (two / "link").symlink_to("b")
    (one / "kind").mkdir()
    (two / "kind").write_text("")
    (one / "only").write_text("")
    (two / "same" / "more\n").write_text("")
    assert sorted(differing_files(str(one), str(two))) == [
        "kind: of different kinds",
        "link: links to different places",
        "only: only in the first",
        "program: executable in one only",
        "same/more\\n: only in the second",
        "text: different contents",
    ]
    assert differing_files(str(one), str(one)) == []
    assert differing_files(str(one / "text"), str(two / "text")) == [".: different contents"]
