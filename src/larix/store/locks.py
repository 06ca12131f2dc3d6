"""Locks between processes, as Nix has them: `flock` on files that die with their owner.

A path is written, or built, by who holds `PATH.lock`. The file is removed by its holder, who writes a byte
into it first: who opened it meanwhile and gets the lock of the removed file sees by the byte that it is
stale, and starts again. Paths are always locked in sorted order, so that two processes never wait for each
other in a circle.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from larix.formats.storepath import StorePath
from larix.store.errors import os_failure
from larix.words import tr

if TYPE_CHECKING:
    from typing import Self

    from larix.store.waiting import Holder

__all__ = ["PathLocks", "lock_holder", "open_lock_file", "try_lock"]


def open_lock_file(name: str) -> int:
    try:
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise os_failure(tr("create the lock"), name, error) from error


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EAGAIN}:
            return False
        raise
    return True


def lock_holder(name: str, kind: str = "FLOCK") -> int | None:
    """The process that holds the lock file `name`, if this kernel tells; for messages only.

    Of `kind` POSIX there may be several on parts of a file: the one that keeps all others out.
    """
    try:
        status = os.stat(name)
        identity = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        with open("/proc/locks", encoding="ascii") as table:
            for line in table:
                fields = line.split()
                if "->" in fields or fields[1] != kind or fields[5] != identity:
                    continue
                if kind == "FLOCK" or fields[3] == "WRITE":
                    return int(fields[4])
    except (OSError, ValueError, IndexError):
        return None
    return None


class PathLocks:
    """The locks of some store paths; a context manager.

    Not reentrant: who holds a lock and asks for it again, in whatever thread, waits for itself.
    """

    def __init__(self) -> None:
        self._held: list[tuple[str, int]] = []

    def acquire(
        self,
        paths: Iterable[StorePath],
        *,
        wait: bool = True,
        on_wait: Callable[[StorePath, Holder], object] | None = None,
    ) -> bool:
        """Lock all of `paths`, or none and return False when one is taken and `wait` is false.

        `on_wait(path, holder)` is called when one is waited for long, and now and then again.
        """
        for path in sorted(set(paths)):
            name = path + ".lock"
            descriptor = self._lock(name, path, wait=wait, on_wait=on_wait)
            if descriptor is None:
                self.release()
                return False
            self._held.append((name, descriptor))
        return True

    def _lock(
        self,
        name: str,
        path: StorePath,
        *,
        wait: bool,
        on_wait: Callable[[StorePath, Holder], object] | None,
    ) -> int | None:
        while True:
            descriptor = open_lock_file(name)
            try:
                if not try_lock(descriptor):
                    if not wait:
                        os.close(descriptor)
                        return None
                    from larix.store.waiting import wait_for_lock

                    wait_for_lock(descriptor, name, on_wait and partial(on_wait, path))
                if os.fstat(descriptor).st_size == 0:
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # it was removed while we waited

    def release(self) -> None:
        """Let go of everything, and remove the lock files; idempotent."""
        while self._held:
            name, descriptor = self._held.pop()
            try:
                os.unlink(name)
                os.write(descriptor, b"d")
            except OSError:
                pass  # the lock goes with the descriptor; a file that stays is taken over by the next one
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
