"""One pass over a tree: read, hash, scan and write at the same time.

The reader's thread turns steps into batches; hashing and writing, which release the interpreter lock, each
have a lane of their own. A lane starts a thread only when a second batch comes, so that small trees pay for
none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from larix.formats.hashes import new_hasher
from larix.store.tree import CHUNK, FILE, LARGE, Framing, Step, read_steps

__all__ = ["Lane", "feed_archive", "hash_file", "hash_steps", "run"]

T = TypeVar("T")

_DEPTH = 8
_BATCH_BYTES = 512 * 1024
_BATCH_STEPS = 256


class Lane(Generic[T]):
    """Does `action` for each item put, in order, in a thread once there is more than one.

    An exception of `action` comes out of a later `put` or of `finish`; the items after it are not acted upon.
    At most `_DEPTH` items wait.
    """

    def __init__(self, action: Callable[[T], object]) -> None:
        self._action = action
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        if self._thread is None:
            self._waiting.append(item)
            if len(self._waiting) > 1:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            return
        with self._changed:
            while len(self._waiting) >= _DEPTH and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            self._waiting.append(item)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._is_ending:
                        return
                    self._changed.wait()
                item = self._waiting.popleft()
                self._changed.notify_all()
            try:
                self._action(item)
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return

    def finish(self) -> None:
        """Wait until everything is done."""
        if self._thread is None:
            while self._waiting:
                self._action(self._waiting.popleft())
            return
        self.stop()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread, if there is one, after what was put; no exception of `action` comes out."""
        if self._thread is not None:
            with self._changed:
                self._is_ending = True
                self._changed.notify_all()
            self._thread.join()


def run(
    steps: Iterable[Step],
    *,
    archive: Iterable[Callable[[bytes], object]] = (),
    scan: Callable[[bytes], object] | None = None,
    write: Callable[[list[Step]], object] | None = None,
    contents: Iterable[Callable[[bytes], object]] = (),
) -> int:
    """Send `steps` through everything that is given; the size of the archive.

    Each of `archive` gets the bytes of the archive in a thread of its own, each of `contents` the bare bytes
    of files likewise; `scan` gets the archive in this thread, `write` the steps in a thread.
    """
    framing = Framing()
    hash_lanes = [Lane(action) for action in archive]
    bare_lanes = [Lane(action) for action in contents]
    write_lane = Lane(write) if write is not None else None
    size = 0
    batch: list[Step] = []
    pieces: list[bytes] = []
    pending = 0
    append = framing.append

    def flush() -> int:
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if write_lane is not None:
            write_lane.put(batch)
        for lane in hash_lanes:
            lane.put(data)
        if scan is not None:
            scan(data)
        return len(data)

    try:
        for step in steps:
            batch.append(step)
            append(pieces, step)
            kind = step[0]
            if kind == FILE:
                pending += len(step[3])
                for lane in bare_lanes:
                    lane.put(step[3])
            elif kind == CHUNK:
                pending += len(step[1])
                for lane in bare_lanes:
                    lane.put(step[1])
            elif kind == LARGE:
                pending += _BATCH_BYTES  # chunks go on alone, without being copied together
            if pending >= _BATCH_BYTES or len(batch) >= _BATCH_STEPS:
                size += flush()
                batch, pieces, pending = [], [], 0
        if batch:
            size += flush()
        for lane in (*hash_lanes, *bare_lanes):
            lane.finish()
        if write_lane is not None:
            write_lane.finish()
    finally:
        for lane in (*hash_lanes, *bare_lanes):
            lane.stop()
        if write_lane is not None:
            write_lane.stop()
    return size


def hash_steps(steps: Iterable[Step], algo: str = "sha256") -> tuple[bytes, int]:
    """Digest and size of the archive of a tree."""
    hasher = new_hasher(algo)
    size = feed_archive(steps, hasher.update)
    return hasher.digest(), size


def feed_archive(steps: Iterable[Step], update: Callable[[bytes], object]) -> int:
    """Give the archive of `steps` to `update` in this thread, piece by piece; its size.

    For one consumer this takes less of both processor and clock than handing batches to a thread would:
    nothing is copied together, and what was just read is still in the core's cache.
    """
    framing = Framing()
    append = framing.append
    pieces: list[bytes] = []
    size = 0
    for step in steps:
        append(pieces, step)
        for piece in pieces:
            update(piece)
            size += len(piece)
        pieces.clear()
    return size


def hash_file(
    file: str | bytes, algo: str = "sha256", *, keep: Callable[[bytes], bool] | None = None
) -> tuple[bytes, int]:
    """Digest and size of the archive of what is on disk."""
    return hash_steps(read_steps(file, keep=keep, borrow=True), algo)
