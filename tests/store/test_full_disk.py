"""Collecting garbage where nothing is free, not a byte and not an inode, on real small file systems."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daemons import SOURCES, running_daemon
from larix.formats.storepath import StoreDir, StorePath
from larix.store import Layout, open_local_store
from larix.store.errors import DiskFull
from larix.store.verify import verify
from mounts import fill, loop_disk, small_disk

pytestmark = pytest.mark.slow

MIB = 1 << 20
ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "2"))


@pytest.fixture(params=["memory", "ext4"])
def disk(request, public_dir: Path) -> Iterator[Path]:
    with ExitStack() as stack:
        if request.param == "memory":
            yield stack.enter_context(small_disk(public_dir / "disk", "size=48m", "nr_inodes=600"))
        else:
            yield stack.enter_context(loop_disk(public_dir / "disk", 64 * MIB, inodes=1024))


@pytest.fixture
def layout(disk: Path) -> Layout:
    return Layout(StoreDir(f"{disk}/store"), f"{disk}/var", f"{disk}/log")


def fill_bytes(disk: Path) -> None:
    fill(disk / "ballast")


def fill_inodes(disk: Path) -> None:
    (disk / "many").mkdir()
    number = 0
    try:
        while True:
            (disk / f"many/{number}").touch()
            number += 1
    except OSError:
        pass


def unfill(disk: Path) -> None:
    (disk / "ballast").unlink(missing_ok=True)
    shutil.rmtree(disk / "many", ignore_errors=True)


def add(layout: Layout, folder: Path, name: str, size: int) -> StorePath:
    (folder / "file").write_bytes(os.urandom(size))
    with open_local_store(layout) as store:
        return store.add_path(name, str(folder / "file"))


def larix(layout: Layout, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIX_", "LARIX_"))}
    return subprocess.run(
        [sys.executable, "-m", "larix.cli.main", *arguments],
        env=kept
        | {
            "PYTHONPATH": SOURCES,
            "LARIX_STORE_DIR": layout.store_dir,
            "LARIX_STATE_DIRECTORY": layout.state_dir,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("fill_up", [fill_bytes, fill_inodes])
def test_a_collection_frees_space_where_there_is_none(
    layout: Layout, disk: Path, tmp_path: Path, fill_up: Callable[[Path], None]
) -> None:
    """Again and again: what it needs for itself is set aside anew. What is alive stays whole."""
    alive = add(layout, tmp_path, "alive", 100_000)
    os.symlink(alive, f"{layout.gc_roots_dir}/keep")
    for number in range(ROUNDS):
        dead = [add(layout, tmp_path, f"dead{number}-{each}", 2 * MIB) for each in range(3)]
        fill_up(disk)
        done = larix(layout, "gc")
        assert done.returncode == 0, done.stderr
        assert "freed 6 MiB" in done.stderr
        assert os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize >= 5 * MIB
        assert not any(os.path.lexists(path) for path in dead)
        unfill(disk)
    with open_local_store(layout) as store:
        assert store.all_valid_paths() == {alive}
        assert verify(store, check_contents=True).is_sound


@pytest.mark.parametrize("fill_up", [fill_bytes, fill_inodes])
def test_other_commands_say_what_is_the_matter(
    layout: Layout, disk: Path, tmp_path: Path, fill_up: Callable[[Path], None]
) -> None:
    """They can ask, with the room that is meant for that; adding fails in words; collecting still works."""
    dead = add(layout, tmp_path, "dead", 2 * MIB)
    fill_up(disk)
    assert larix(layout, "gc", "--list-dead").stdout.split() == [dead]
    fill(disk / "ballast")
    (tmp_path / "more").write_bytes(os.urandom(12 * MIB))
    with (
        pytest.raises(DiskFull, match="No space left on device") as caught,
        open_local_store(layout) as store,
    ):
        store.add_path("more", str(tmp_path / "more"))
    assert "larix gc" in (caught.value.hint or "")
    done = larix(layout, "gc")
    assert done.returncode == 0, done.stderr
    assert not os.path.lexists(dead)


def test_a_daemon_collects_on_a_full_disk(layout: Layout, disk: Path, tmp_path: Path) -> None:
    dead = add(layout, tmp_path, "dead", 2 * MIB)
    with running_daemon(layout=layout) as daemon:
        fill_bytes(disk)
        with daemon.store() as store:
            paths, freed = store.collect(2)
            assert paths == (dead,)
            assert freed >= 2 * MIB
        unfill(disk)


def test_many_small_items_need_no_more_than_few(layout: Layout, disk: Path) -> None:
    """The log of the database grows with what is deleted; room for it comes from what is gone."""
    with open_local_store(layout) as store:
        count = 300 if os.statvfs(disk).f_files < 1000 else 700
        store.add_texts(
            [(f"text{number}", str(number).encode() * 2000, (), False) for number in range(count)]
        )
    fill_bytes(disk)
    done = larix(layout, "gc")
    assert done.returncode == 0, done.stderr
    with open_local_store(layout) as store:
        assert store.all_valid_paths() == set()
