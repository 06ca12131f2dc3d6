"""R10: V7, V12, V13, V17, with a bystander who does the same thing over and over.

A few rounds each; LARIX_TEST_ROUNDS=10000 runs as many as the scoreboard asks for. Where a bystander could
not even get at the folder in question, it is handed an open descriptor of it: more than it could have.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from larix.builder import realise
from larix.builder.errors import BuildError, BuildsFailed
from larix.formats.storepath import StorePath
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event
from larix.store import open_local_store
from larix.store.atomic import remove_tree
from security.den import BYSTANDER, Den, needs_root, rounds

pytestmark = pytest.mark.slow


@contextmanager
def bystander(action: Callable[[], object], uid: int = BYSTANDER) -> Iterator[Callable[[], int]]:
    """Another user who does `action` all the time; how often it gave something true is told at the end.

    It has begun when this is entered. What is yielded ends it and gives the number.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _do_for_ever(action, uid, writing)
    os.close(writing)
    assert os.read(reading, 1) == b"."
    ended: list[int] = []

    def end() -> int:
        if not ended:
            os.kill(child, signal.SIGTERM)
            with os.fdopen(reading) as stream:
                text = stream.read()
            os.waitpid(child, 0)
            ended.append(int(text))
        return ended[0]

    try:
        yield end
    finally:
        end()


def _do_for_ever(action: Callable[[], object], uid: int, writing: int) -> None:
    hits = -1  # whoever breaks down has seen nothing
    ending = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal ending
        ending = True

    try:
        signal.signal(signal.SIGTERM, stop)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(writing, b".")
        seen = 0
        while not ending:
            with suppress(OSError):
                seen += bool(action())
        hits = seen
    finally:
        os.write(writing, str(hits).encode())
        os._exit(0)


def build_all(den: Den, texts: dict[str, str], sink: Callable[[Event], object], **how: object) -> int:
    """Build scripts one after the other without the daemon; how many were made."""
    lowered = [den.script(name, text, **how) for name, text in texts.items()]
    with open_local_store(den.daemon.layout) as store:
        store.instantiate(lowered)
        targets = [BuildTarget(each.path) for each in lowered]
        with suppress(BuildError, BuildsFailed):
            realise(store, targets, BuildOptions(max_jobs=1, keep_going=True, rounds=2), sink)
        return len(store.valid_paths([each.output_path() for each in lowered]))


def test_links_at_names_that_are_used_next_lead_nowhere(den: Den) -> None:
    """V7: B plants them wherever a daemon might write, in a room that is used again and again."""
    canary = den.canary()
    text = f"""
    for name in $out.tmp $out.lock $out.check $out-check $out.chroot .attr x-larix-incoming; do
        ln -s {canary} $NIX_STORE/${{name##*/}} 2>/dev/null || :
    done
    cd /; rm -rf $TMPDIR
    for place in $TMPDIR /tmp/scratch /tmp/outputs; do ln -s {canary.parent} $place; done
    mkdir $out; ln -s {canary} $out/link; echo made > $out/file
    """
    count = rounds(12)
    before = os.stat(canary.parent)
    made = build_all(den, {f"planting-{number}": text for number in range(count)}, lambda _: None)
    assert made == count
    assert canary.read_text() == "precious"
    assert os.listdir(canary.parent) == [canary.name]
    assert (os.stat(canary.parent).st_mode, os.stat(canary).st_uid) == (before.st_mode, 0)


def test_nobody_ever_sees_a_set_id_bit(den: Den) -> None:
    """V12: the tree that is taken in has them, as if there were no filter of system calls."""
    source = den.folder / "vault" / "output"
    source.parent.mkdir(mode=0o700)
    source.mkdir()
    (source / "tool").write_bytes(b"#!/bin/sh\n" * 5000)
    os.chown(source / "tool", BYSTANDER + 1, BYSTANDER + 1)
    os.chmod(source / "tool", 0o6755)
    os.chmod(source, 0o2777)
    store_dir = den.store_dir
    path = StorePath(f"{store_dir}/{'1' * 32}-tool")

    def look() -> bool:
        for name in os.listdir(store_dir):
            for file in (f"{store_dir}/{name}", f"{store_dir}/{name}/tool"):
                with suppress(OSError):
                    status = os.lstat(file)
                    if stat.S_ISLNK(status.st_mode) or file == store_dir:
                        continue
                    if status.st_mode & 0o6000 or status.st_uid or status.st_mode & 0o022:
                        return True
        return False

    with open_local_store(den.daemon.layout) as store, bystander(look) as end:
        for number in range(rounds(40)):
            ingested = store.ingest(str(source), path)
            if number % 2:
                ingested.incoming.publish(path)
                remove_tree(path)
            else:
                ingested.incoming.discard()  # as after a failure
        assert end() == 0


def test_removal_never_leaves_the_tree(tmp_path: Path) -> None:
    """V13: H swaps folders for links to a canary, and other folders for them, while root removes."""
    needs_root()
    canary = tmp_path / "canary"
    canary.mkdir()
    kept = [canary / f"file-{number}" for number in range(5)]
    for file in kept:
        file.write_text("kept")
    (canary / "deep").mkdir()
    top = tmp_path / "top"
    top.mkdir()
    os.chown(top, BYSTANDER, BYSTANDER)
    os.chmod(top, 0o777)
    held = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    swaps = _Swaps(held, str(canary))
    failed = removed = 0
    with bystander(swaps.swap) as end:
        for _ in range(rounds(60)):
            _plant_tree(top)
            try:
                remove_tree("tree", dir_fd=held)
                removed += 1
            except OSError:
                failed += 1  # it may give up, as long as it stays inside
            _clear(held)
        swapped = end()
    os.close(held)
    assert [file.read_text() for file in kept] == ["kept"] * 5
    assert (canary / "deep").is_dir()
    assert stat.S_IMODE(canary.stat().st_mode) == 0o755
    assert canary.stat().st_uid == 0
    assert swapped > 0
    assert removed + failed == rounds(60)


def _plant_tree(top: Path) -> None:
    for name in ("a", "b", "c"):
        folder = top / "tree" / name
        with suppress(OSError):
            (folder / "below" / "deeper").mkdir(parents=True)
            for number in range(4):
                (folder / f"file-{number}").write_text("x")
                (folder / "below" / f"file-{number}").write_text("x")
    for folder, _, _ in os.walk(top / "tree"):
        with suppress(OSError):
            os.chown(folder, BYSTANDER, BYSTANDER)


def _clear(held: int) -> None:
    while True:
        try:
            for name in os.listdir(held):
                remove_tree(name, dir_fd=held)
        except OSError:
            continue
        return


class _Swaps:
    """Names in the tree exchanged for a link and back, by a descriptor of its top."""

    def __init__(self, held: int, canary: str) -> None:
        self._held = held
        self._canary = canary
        self._number = 0

    def swap(self) -> bool:
        self._number += 1
        name = f"tree/{'abc'[self._number % 3]}" + ("/below" if self._number % 2 else "")
        aside = f"aside-{self._number}"
        held = self._held
        os.rename(name, aside, src_dir_fd=held, dst_dir_fd=held)
        with suppress(OSError):
            os.symlink(self._canary, name, dir_fd=held)
            os.unlink(name, dir_fd=held)
        with suppress(OSError):
            os.rename(aside, name, src_dir_fd=held, dst_dir_fd=held)
        return True


def test_nothing_is_given_away_while_a_build_is_prepared(den: Den) -> None:
    """V17: H holds the build's /tmp open and plants links at the names that larix makes next, as root."""
    canary = den.canary()
    count = rounds(30)
    some = max(10, count // 200)
    text = 'test -n "$longPath"; echo here; echo > $out'
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    names = [f"larix-build-race-{number}.drv-0" for number in range(count)]
    scratch: list[int] = []
    turn = 0

    def plant() -> bool:
        nonlocal turn
        if not scratch:
            _, descriptors, _, _ = socket.recv_fds(theirs, 1, 1, socket.MSG_DONTWAIT)
            scratch.extend(descriptors)
        turn += 1
        for name in (names[turn % count], names[min(turn // 50, count - 1)]):
            with suppress(OSError):
                os.rename(name, f"{name}.away", src_dir_fd=scratch[0], dst_dir_fd=scratch[0])
            with suppress(OSError):
                os.symlink(canary.parent, name, dir_fd=scratch[0])
                os.unlink(name, dir_fd=scratch[0])
            with suppress(OSError):
                os.symlink(canary, f"{name}/.attr-planted", dir_fd=scratch[0])
        return True

    def sink(event: Event) -> None:
        if isinstance(event, BuildLog) and not handed:
            folder = max(den.builds.iterdir(), key=lambda each: each.stat().st_mtime)
            descriptor = os.open(folder / "scratch", os.O_RDONLY | os.O_DIRECTORY)
            socket.send_fds(ours, [b"x"], [descriptor])
            handed.append(descriptor)

    handed: list[int] = []
    env = {"long": "x" * 2000, "passAsFile": "long"}
    planted = 0
    with ours, theirs:
        # Where it is let in like this, it can have a build end badly, and with it those that were to follow.
        for first in range(0, count, some):
            texts = dict.fromkeys((f"race-{number}" for number in range(first, first + some)), text)
            with bystander(plant) as end:
                with suppress(OSError):
                    build_all(den, texts, sink, env=env)
                planted += end()
            while handed:
                os.close(handed.pop())
    assert planted > 0
    assert canary.read_text() == "precious"
    assert (canary.stat().st_uid, canary.parent.stat().st_uid) == (0, 0)
    assert os.listdir(canary.parent) == [canary.name]
    assert not os.path.exists("/tmp/.attr-planted")
