"""Collecting garbage before the disk is full: when less than so much is free, while work goes on.

Whoever adds something waits for the collection, for it would only fill the disk further; builds go on. One
process collects at a time, and holds `auto-gc.lock` in the state directory meanwhile. When all that is dead
is gone and the disk is still as full, there is nothing to be had: that is written into the lock file, and
nobody looks again until a minute has passed or the disk has become fuller.

Nothing is collected here that a collection by hand would keep: it is the same, with the same roots.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import LarixError
from larix.store.locks import open_lock_file, try_lock
from larix.store.sizes import shown_size
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.store.local import LocalStore

__all__ = ["Space", "SpaceKeeper", "free_space"]

_FUTILE_SECONDS = 60
_FULLER = 20  # a twentieth of `min_free` less is reason to look again


class Space(NamedTuple):
    """Sizes are in bytes. `min_free` 0: never collect; `max_free` 0: all that is dead goes."""

    min_free: int = 0
    max_free: int = 0
    interval: float = 5.0
    keep_derivations: bool = True
    keep_outputs: bool = False


def free_space(directory: str) -> int:
    """Bytes that can still be written there by who is not root."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class SpaceKeeper:
    """Looks after the file system of one open store. `tell` gets a line when something was collected."""

    def __init__(self, space: Space, tell: Callable[[str], object]) -> None:
        self._space = space
        self._tell = tell
        self._looked_at = float("-inf")
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def look(self, store: LocalStore) -> None:
        """To be called before something is written, and now and then meanwhile; mostly it does nothing.

        When little is free it returns after the collection. What goes wrong in it is told and not raised:
        whether there is room enough will turn out.
        """
        if self._is_due(store):
            with self._guard:
                self._collect(store, wait=True)

    def look_beside(self, store: LocalStore) -> None:
        """The same for a loop that must go on: the collection runs in a thread."""
        running = self._thread is not None and self._thread.is_alive()
        if not running and self._is_due(store):
            self._thread = threading.Thread(
                target=self._collect, args=(store,), kwargs={"wait": False}, name="space", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Wait for what runs beside."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _is_due(self, store: LocalStore) -> bool:
        now = time.monotonic()
        if now < self._looked_at + self._space.interval:
            return False
        self._looked_at = now
        return free_space(store.store_dir) < self._space.min_free

    def _collect(self, store: LocalStore, *, wait: bool) -> None:
        try:
            lock = open_lock_file(f"{store.layout.state_dir}/auto-gc.lock")
            try:
                if not try_lock(lock):
                    if not wait:
                        return
                    fcntl.flock(lock, fcntl.LOCK_EX)
                self._collect_locked(store, lock)
            finally:
                os.close(lock)
        except LarixError as error:
            self._tell(tr("cannot collect garbage: {error}", error=error))

    def _collect_locked(self, store: LocalStore, lock: int) -> None:
        from larix.store import gc

        space = self._space
        available = free_space(store.store_dir)
        if available >= space.min_free or _is_futile(lock, available + space.min_free // _FULLER):
            return
        self._tell(
            tr(
                "{available} free, less than {min_free}: collecting garbage...",
                available=shown_size(available),
                min_free=shown_size(space.min_free),
            )
        )
        most = max(space.max_free, space.min_free) - available if space.max_free else None
        collected = gc.collect(
            store, keep_derivations=space.keep_derivations, keep_outputs=space.keep_outputs, max_freed=most
        )
        available = free_space(store.store_dir)
        with suppress(OSError):  # no room even for this: then the next one looks again
            os.ftruncate(lock, 0)
            if available < space.min_free:
                os.pwrite(lock, b"%d\n" % available, 0)
        self._tell(tr("freed {bytes_freed}", bytes_freed=shown_size(collected.bytes_freed)))


def _is_futile(lock: int, limit: int) -> bool:
    """Whether the last collection left less free than `limit`, a short while ago."""
    status = os.fstat(lock)
    if status.st_size == 0 or time.time() - status.st_mtime > _FUTILE_SECONDS:
        return False
    text = os.pread(lock, 32, 0).strip()
    return text.isdigit() and int(text) <= limit
