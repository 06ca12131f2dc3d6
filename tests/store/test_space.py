"""`larix.store.space`: garbage goes before the disk is full, on a real small disk, and nothing alive does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.conftest import shell_build
from daemons import running_daemon
from larix.builder import realise
from larix.cli.session import open_session
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildOptions, BuildStarted, BuildTarget, Event
from larix.store import Layout, LocalStore, open_local_store
from larix.store.space import Space
from larix.store.verify import verify
from mounts import fill, free, small_disk

pytestmark = pytest.mark.slow

MIB = 1 << 20


@pytest.fixture
def disk(public_dir: Path) -> Iterator[Path]:
    with small_disk(public_dir / "disk", "size=64m") as folder:
        yield folder


@pytest.fixture
def layout(disk: Path) -> Layout:
    return Layout(StoreDir(f"{disk}/store"), f"{disk}/var", f"{disk}/log")


def item(store: LocalStore, folder: Path, name: str, size: int) -> StorePath:
    file = folder / name
    with file.open("wb") as stream:
        for _ in range(size // MIB):
            stream.write(os.urandom(MIB))
    try:
        return store.add_path(name, str(file))
    finally:
        file.unlink()


@pytest.fixture
def dead_and_alive(layout: Layout, tmp_path: Path) -> tuple[list[StorePath], StorePath]:
    """Eight items of 3 MiB that nothing needs, and one that a root keeps."""
    with open_local_store(layout) as store:
        dead = [item(store, tmp_path, f"dead{number}", 3 * MIB) for number in range(8)]
        alive = item(store, tmp_path, "alive", 3 * MIB)
        os.symlink(alive, f"{layout.gc_roots_dir}/keep")
    return dead, alive


def test_what_is_added_waits_for_room(
    layout: Layout, disk: Path, tmp_path: Path, dead_and_alive: tuple[list[StorePath], StorePath]
) -> None:
    dead, alive = dead_and_alive
    said: list[str] = []
    fill(disk / "ballast", leaving=5 * MIB)
    with open_local_store(layout) as store:
        store.keep_space(Space(min_free=8 * MIB, max_free=14 * MIB, interval=0), said.append)
        added = item(store, tmp_path, "added", 2 * MIB)
        assert store.is_valid(added)
        assert store.is_valid(alive)
        assert 0 < len(store.valid_paths(dead)) < len(dead), "no more goes than is wanted"
        assert free(disk) >= 8 * MIB
        assert verify(store, check_contents=True).is_sound
    assert "collecting garbage" in said[0]
    assert said[1].startswith("freed ")


def test_all_that_is_dead_goes_without_a_limit(
    layout: Layout, disk: Path, tmp_path: Path, dead_and_alive: tuple[list[StorePath], StorePath]
) -> None:
    dead, alive = dead_and_alive
    fill(disk / "ballast", leaving=5 * MIB)
    with open_local_store(layout) as store:
        store.keep_space(Space(min_free=8 * MIB, interval=0), lambda _: None)
        store.add_text("added", b"added")
        store.instantiate([shell_build(store.store_dir, "any", "true")])
        assert store.valid_paths([*dead, alive]) == {alive}


def test_enough_room_is_left_alone(
    layout: Layout, tmp_path: Path, dead_and_alive: tuple[list[StorePath], StorePath]
) -> None:
    dead, _ = dead_and_alive
    with open_local_store(layout) as store:
        store.keep_space(Space(min_free=8 * MIB, interval=0), lambda _: pytest.fail("nothing is to be said"))
        store.add_text("added", b"added")
        assert store.valid_paths(dead) == set(dead)


def test_one_large_item_makes_its_own_room(
    layout: Layout, disk: Path, tmp_path: Path, dead_and_alive: tuple[list[StorePath], StorePath]
) -> None:
    """It is larger than what is free when it begins, and there was no reason to collect then."""
    fill(disk / "ballast", leaving=12 * MIB)
    with open_local_store(layout) as store:
        store.keep_space(Space(min_free=10 * MIB, interval=0), lambda _: None)
        added = item(store, tmp_path, "large", 20 * MIB)
        assert store.is_valid(added)
        assert verify(store, check_contents=True).is_sound


def test_builds_go_on_while_garbage_goes(
    layout: Layout, disk: Path, dead_and_alive: tuple[list[StorePath], StorePath]
) -> None:
    dead, alive = dead_and_alive
    events: list[Event] = []
    said: list[str] = []

    def sink(event: Event) -> None:
        events.append(event)
        if isinstance(event, BuildStarted):
            fill(disk / "ballast", leaving=6 * MIB)

    with open_local_store(layout) as store:
        store.keep_space(Space(min_free=8 * MIB, interval=0), said.append)
        below = shell_build(store.store_dir, "below", "echo below > $out")
        store.instantiate([below])
        realise(store, [BuildTarget(below.path)], BuildOptions(), sink)
        assert store.is_valid(below.output_path())
        assert store.is_valid(below.path)
        assert Path(below.output_path()).read_text() == "below\n"
    with open_local_store(layout) as store:
        assert store.valid_paths([*dead, alive]) == {alive}
    assert "collecting garbage" in said[0]


def test_when_there_is_nothing_to_be_had_nobody_asks_again_at_once(
    layout: Layout, disk: Path, tmp_path: Path, dead_and_alive: tuple[list[StorePath], StorePath]
) -> None:
    said: list[str] = []
    with open_local_store(layout) as store:
        fill(disk / "ballast", leaving=4 * MIB)
        store.keep_space(Space(min_free=40 * MIB, interval=0), said.append)
        for number in range(5):
            store.add_text(f"added{number}", b"added")
        assert len(said) == 2, said
        fill(disk / "ballast", leaving=4 * MIB)
        store.add_text("later", b"later")
        assert len(said) == 4, "the disk has become fuller"


def test_a_daemon_and_a_command_look_after_the_disk(
    layout: Layout,
    disk: Path,
    tmp_path: Path,
    dead_and_alive: tuple[list[StorePath], StorePath],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dead, alive = dead_and_alive
    settings = 'min-free = "8MiB"\nmax-free = "12MiB"\nmin-free-check-interval = 0\n'
    fill(disk / "ballast", leaving=5 * MIB)
    with running_daemon(settings=settings, layout=layout) as daemon, daemon.store() as store:
        store.add_text("added", b"added")
        left = store.valid_paths(dead)
        assert 0 < len(left) < len(dead)
        assert store.is_valid(alive)
        assert "collecting garbage" in daemon.log()
    (tmp_path / "daemon.toml").write_text('min-free = "25MiB"\n')
    monkeypatch.setenv("LARIX_STORE_DIR", layout.store_dir)
    monkeypatch.setenv("LARIX_STATE_DIRECTORY", layout.state_dir)
    monkeypatch.setenv("LARIX_CONFIGURATION_DIRECTORY", str(tmp_path))
    session = open_session()
    try:
        session.store.add_text("command", b"x")
        assert session.store.valid_paths([*dead, alive]) == {alive}
    finally:
        session.close()
