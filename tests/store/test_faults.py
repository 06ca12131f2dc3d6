"""SIGKILL at numbered steps, full disks, racing processes: no path is valid without its content.

The steps are those of the kernel: the child counts its own system calls of the kinds that change something,
by replacing the functions of `os` in the child alone, and kills itself before the chosen one.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from larix.formats.nar import encode_tree
from larix.store import Layout, LocalStore, open_local_store
from larix.store.errors import DiskFull
from larix.store.gc import collect
from larix.store.verify import verify
from larix.testing.store_conformance import TREE, small_graph, write_tree

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}

CHILD = """
import os, signal, sys
from larix.store import *
from larix.testing.store_conformance import small_graph

steps = int(sys.argv[4])
def counted(name):
    real = getattr(os, name)
    def call(*arguments, **options):
        global steps
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        steps -= 1
        return real(*arguments, **options)
    setattr(os, name, call)

with open_local_store(Layout(*sys.argv[1:4])) as store:
    for name in ("open", "write", "fsync", "rename", "mkdir", "symlink", "unlink", "close", "utime"):
        counted(name)
    if sys.argv[5] == "instantiate":
        store.instantiate([small_graph(store)[0]])
    elif sys.argv[5] == "add":
        store.add_path("tree", sys.argv[6])
        store.add_text("text", b"text")
    else:
        output = store.ingest(sys.argv[6], store.store_dir + "/" + "0" * 32 + "-built")
        store.register_outputs([output])
"""


def run_killed_at(layout: Layout, step: int, what: str, tree: Path) -> bool:
    """Whether the child was killed, and not simply done."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", CHILD, *layout[:3], str(step), what, str(tree)],
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("what", ["instantiate", "add", "build"])
def test_a_kill_at_any_step_leaves_a_sound_store_that_goes_on(
    layout: Layout, tmp_path: Path, what: str
) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    open_local_store(layout).close()
    step, kills = 0, 0
    while run_killed_at(layout, step, what, tmp_path / "tree"):
        kills += 1
        with open_local_store(layout) as store:
            assert verify(store, check_contents=True).is_sound
            collect(store)
            assert os.listdir(store.store_dir) == [".links"]
        step += 7
    assert kills >= 5
    with open_local_store(layout) as store:
        assert verify(store, check_contents=True).is_sound
        assert len(store.all_valid_paths()) == {"instantiate": 4, "add": 2, "build": 1}[what]


@pytest.mark.slow
def test_a_kill_is_made_good_by_the_same_command_again(layout: Layout, tmp_path: Path) -> None:
    """Without a collection in between: what the dead process left is replaced."""
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    open_local_store(layout).close()
    for step in (12, 25, 40):
        run_killed_at(layout, step, "instantiate", tmp_path / "tree")
    with open_local_store(layout) as store:
        above = small_graph(store)[0]
        store.instantiate([above])
        assert verify(store, check_contents=True).is_sound
        assert Path(above.path).read_bytes() == above.text


def test_a_file_size_limit_is_one_clear_error(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(300_000))
    small = store.add_text("small", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DiskFull, match="File too large"):
            store.add_path("large", str(tmp_path / "large"))
        with pytest.raises(DiskFull):
            store.add_text("text", bytes(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert store.all_valid_paths() == {small}
    assert len(os.listdir(store.store_dir)) == 2


FULL_DISK = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
uid, gid = os.geteuid(), os.getegid()
if libc.unshare(0x10020000) != 0:
    sys.exit(77)
for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
    with open("/proc/self/" + name, "w") as file:
        file.write(text)
if libc.mount(b"tmpfs", os.fsencode(sys.argv[1]), b"tmpfs", ctypes.c_ulong(0), b"size=12m") != 0:
    sys.exit(77)
from larix.errors import LarixError
from larix.store import *
from larix.store.gc import collect
from larix.store.errors import DiskFull
from larix.store.verify import verify
base = sys.argv[1]
tree = base + "-tree"
os.mkdir(tree)
for number in range(40):
    with open(f"{tree}/{number}", "wb") as file:
        file.write(os.urandom(50_000))
failures = 0
with open_local_store(Layout(base + "/store", base + "/var", base + "/log")) as store:
    for number in range(6):
        try:
            store.add_path(f"tree-{number}", tree)
        except DiskFull as error:
            failures += 1
        for letter in range(30):
            try:
                store.add_text(f"text-{number}-{letter}", os.urandom(40_000))
            except DiskFull:
                failures += 1
    assert failures > 10, failures
    assert os.statvfs(base).f_bavail * os.statvfs(base).f_frsize < 100_000
    assert verify(store, check_contents=True).is_sound
    count = len(store.all_valid_paths())
    assert count > 0
with open_local_store(Layout(base + "/store", base + "/var", base + "/log")) as store:
    collected = collect(store)
    assert len(collected.paths) == count
    assert store.all_valid_paths() == set()
    store.add_path("tree", tree)
"""


@pytest.mark.slow
def test_a_full_disk_leaves_no_bad_path_and_can_be_collected(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-c", FULL_DISK, str(tmp_path / "disk")],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("no user and mount namespaces for this user")
    assert done.returncode == 0, done.stderr


RACER = """
import sys
from larix.store import *
from larix.testing.store_conformance import small_graph
with open_local_store(Layout(*sys.argv[1:4])) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(15):
        store.add_text(f"text-{number}", b"%d" % number)
        store.add_path(f"tree-{number % 5}", sys.argv[4])
    store.instantiate([small_graph(store)[0]])
"""


@pytest.mark.slow
def test_processes_that_add_the_same_do_not_disturb_each_other(layout: Layout, tmp_path: Path) -> None:
    """They also make the store: all start when there is none."""
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    racers = [
        subprocess.Popen(
            [sys.executable, "-B", "-c", RACER, *layout[:3], str(tmp_path / "tree")],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        racer.communicate()
    assert [racer.returncode for racer in racers] == [0] * 4
    with open_local_store(layout) as store:
        assert len(store.all_valid_paths()) == 15 + 5 + 4
        assert verify(store, check_contents=True).is_sound
        collect(store)
        assert os.listdir(store.store_dir) == [".links"]


def test_a_failure_before_registering_leaves_nothing_valid(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_local_store(layout) as store:
        above = small_graph(store)[0]

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        for name in ("fsync", "write"):
            monkeypatch.setattr(os, name, full)
            with pytest.raises(DiskFull, match="No space left"):
                store.instantiate([above])
            monkeypatch.undo()
            assert store.all_valid_paths() == set()
        store.instantiate([above])
        assert verify(store, check_contents=True).is_sound
        tree = next(source.path for source in above.sources if source.name == "tree")
        assert b"".join(store.dump_nar(tree)) == encode_tree(TREE)
