"""Path locks and temporary roots between real processes."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.locks import PathLocks, lock_holder
from larix.store.roots import read_temp_roots
from larix.store.temproots import TempRoots
from larix.store.waiting import Holder, Patience, shown_holder

HOLDER = """
import sys
from larix.store.locks import PathLocks
locks = PathLocks()
locks.acquire(sys.argv[1:])
print("locked", flush=True)
sys.stdin.read(1)
locks.release()
"""


def paths(tmp_path: Path, *names: str) -> list[StorePath]:
    return [StorePath(f"{tmp_path}/{'0' * 32}-{name}") for name in names]


def start_holder(*held: StorePath) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *held],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_lock_is_one_processs_and_its_file_goes(tmp_path: Path) -> None:
    (path,) = paths(tmp_path, "a")
    with PathLocks() as locks:
        assert locks.acquire([path])
        assert not PathLocks().acquire([path], wait=False)
        assert os.path.exists(path + ".lock")
    assert not os.path.exists(path + ".lock")


def test_some_of_several_is_none(tmp_path: Path) -> None:
    a, b = paths(tmp_path, "a", "b")
    with PathLocks() as first:
        first.acquire([b])
        assert not PathLocks().acquire([a, b], wait=False)
        with PathLocks() as second:
            assert second.acquire([a], wait=False)


def test_the_waiting_one_is_told_who_holds_and_gets_it_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larix.store.waiting.FIRST_SECONDS", 0)
    (path,) = paths(tmp_path, "a")
    holder = start_holder(path)
    told: list[tuple[StorePath, Holder]] = []
    now = time.time()

    def on_wait(waited_for: StorePath, who: Holder) -> None:
        told.append((waited_for, who))
        assert holder.stdin is not None
        holder.stdin.write("x")
        holder.stdin.close()

    with PathLocks() as locks:
        assert locks.acquire([path], on_wait=on_wait)
        assert os.path.exists(path + ".lock")
    [(waited_for, who)] = told
    assert (waited_for, who.pid, who.user) == (path, holder.pid, pwd.getpwuid(os.geteuid()).pw_name)
    assert who.since is not None
    assert abs(who.since - now) < 60
    assert holder.wait() == 0
    assert holder.stdout is not None
    holder.stdout.close()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    (path,) = paths(tmp_path, "a")
    holder = start_holder(path)
    holder.kill()
    holder.communicate()
    assert os.path.exists(path + ".lock")
    assert lock_holder(path + ".lock") is None
    with PathLocks() as locks:
        assert locks.acquire([path], wait=False)
    assert not os.path.exists(path + ".lock")


def test_a_lock_file_removed_while_waiting_is_not_taken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larix.store.waiting.FIRST_SECONDS", 0)
    (path,) = paths(tmp_path, "a")
    stale = os.open(path + ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(stale, fcntl.LOCK_EX)

    def on_wait(_: StorePath, __: Holder) -> None:
        os.unlink(path + ".lock")
        os.write(stale, b"d")
        os.close(stale)

    with PathLocks() as locks:
        assert locks.acquire([path], on_wait=on_wait)
        assert os.path.exists(path + ".lock")
        assert not PathLocks().acquire([path], wait=False)


def test_threads_exclude_each_other_too(tmp_path: Path) -> None:
    (path,) = paths(tmp_path, "a")
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with PathLocks() as locks:
                locks.acquire([path])
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 80


def test_temporary_roots_are_written_as_nix_does(layout: Layout, store: LocalStore) -> None:
    first, second = (StorePath(f"{layout.store_dir}/{'0' * 32}-{name}") for name in "ab")
    store.add_temp_root(first, second)
    store.add_temp_root(first)
    file = Path(f"{layout.temp_roots_dir}/{os.getpid()}")
    assert file.read_bytes() == f"{first}\0{second}\0".encode()
    descriptor = os.open(file, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(descriptor)


def test_two_stores_in_one_process_share_their_roots(layout: Layout) -> None:
    path = StorePath(f"{layout.store_dir}/{'0' * 32}-a")
    with open_local_store(layout) as first:
        first.add_temp_root(path)
        with open_local_store(layout) as second:
            second.add_temp_root(StorePath(path + "b"))
        assert {root.path for root in read_temp_roots(layout)} == {path, path + "b"}
    assert read_temp_roots(layout) == []


def test_a_fork_has_roots_of_its_own(layout: Layout, store: LocalStore) -> None:
    path = StorePath(f"{layout.store_dir}/{'0' * 32}-a")
    store.add_temp_root(path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store.add_temp_root(StorePath(path + "-child"))
            os.write(writing, b"x")
            os.read(reading, 0)
        finally:
            os._exit(0)
    assert os.read(reading, 1) == b"x"
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert {root.path for root in read_temp_roots(layout)} == {path}
    assert read_temp_roots(layout, prune=True)
    assert os.listdir(layout.temp_roots_dir) == [str(os.getpid())]


def test_roots_of_a_dead_process_are_pruned(layout: Layout, store: LocalStore) -> None:
    Path(f"{layout.temp_roots_dir}/999999999").write_bytes(b"/x\0")
    assert read_temp_roots(layout, prune=True) == []
    assert "999999999" not in os.listdir(layout.temp_roots_dir)


def test_a_stale_file_of_our_number_is_replaced(layout: Layout) -> None:
    layout.create_directories()
    Path(f"{layout.temp_roots_dir}/{os.getpid()}").write_bytes(b"/old\0")
    roots = TempRoots(layout)
    path = StorePath(f"{layout.store_dir}/{'0' * 32}-a")
    roots.add([path])
    assert Path(f"{layout.temp_roots_dir}/{os.getpid()}").read_bytes() == path.encode() + b"\0"
    roots.close()


def test_a_wait_is_told_late_and_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(100.0)
    told = [second for second in range(100, 300) if patience.is_over(second)]
    assert told == [103, 163, 223, 283]


def test_a_holder_is_told_as_far_as_it_is_known() -> None:
    assert shown_holder(Holder()) == "another process"
    assert shown_holder(Holder(7)) == "process 7"
    assert shown_holder(Holder(7, "ada")) == "process 7 of ada"
    assert re.fullmatch(
        r"process 7 of ada, since \d\d:\d\d:\d\d", shown_holder(Holder(7, "ada", time.time()))
    )
    assert re.fullmatch(r"process 7, since \d{4}-\d\d-\d\d \d\d:\d\d", shown_holder(Holder(7, None, 1e9)))
