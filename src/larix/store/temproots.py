"""Temporary roots: what this process needs until it ends, told to every garbage collector.

As Nix 2.8: `temproots/PID` holds full paths, each followed by a NUL, and stays locked exclusively as long as
its process lives; a collector that gets the lock knows the file to be stale, writes a byte into it and
removes it. While adding, `gc.lock` is held shared. A collector holds it exclusively, and meanwhile takes new
roots on a socket: a path and a newline, answered by `1` once the path is safe.

One file for each process and state directory, however many stores are open in it. A fork gets a new file with
the first root it adds; what its parent added is kept by the parent's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from larix.formats.storepath import StorePath
from larix.store.errors import os_failure
from larix.store.layout import Layout
from larix.store.locks import open_lock_file, try_lock
from larix.words import tr

if TYPE_CHECKING:
    import socket

__all__ = ["TempRoots", "release_temp_roots", "temp_roots_of"]

_RETRY_SECONDS = 0.01


class TempRoots:
    """The temporary roots of this process in one state directory."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._file = -1
        self._gc_lock = -1
        self._owner = 0
        self._added: set[StorePath] = set()

    def add(self, paths: Iterable[StorePath]) -> None:
        """Protect `paths`, valid or not, from now until this process ends.

        When this returns no collector, one that is running included, will delete them; one that has deleted a
        path already has made it invalid before. So: first add, then ask whether it is valid.
        """
        with self._lock:
            self._ensure_open()
            fresh = [path for path in dict.fromkeys(paths) if path not in self._added]
            if not fresh:
                return
            record = "".join([path + "\0" for path in fresh]).encode("ascii")
            while True:
                if try_lock(self._gc_lock, shared=True):
                    try:
                        self._append(record)
                    finally:
                        fcntl.flock(self._gc_lock, fcntl.LOCK_UN)
                    break
                if self._tell_collector(fresh):
                    self._append(record)
                    break
                time.sleep(
                    _RETRY_SECONDS
                )  # between its lock and its socket, or between its end and its unlock
            self._added.update(fresh)

    def added(self) -> set[StorePath]:
        """What this process keeps."""
        with self._lock:
            return set(self._added) if self._owner == os.getpid() else set()

    def _append(self, record: bytes) -> None:
        try:
            os.write(self._file, record)
        except OSError as error:
            raise os_failure(tr("write"), f"{self._layout.temp_roots_dir}/{self._owner}", error) from error

    def _ensure_open(self) -> None:
        if self._owner == os.getpid():
            return
        # After a fork: the inherited descriptors share their lock with the parent, so they are left alone.
        name = f"{self._layout.temp_roots_dir}/{os.getpid()}"
        while True:
            try:
                os.unlink(name)  # of an earlier process with this number
            except FileNotFoundError:
                pass
            except OSError as error:
                raise os_failure(tr("remove the stale file"), name, error) from error
            descriptor = open_lock_file(name)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size == 0:
                break
            os.close(descriptor)  # a collector removed it before we had the lock
        self._file = descriptor
        self._gc_lock = open_lock_file(self._layout.gc_lock_file)
        self._owner = os.getpid()
        self._added = set()

    def _tell_collector(self, paths: list[StorePath]) -> bool:
        """Send roots to the running collector; False when there is none to answer."""
        import socket

        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                _connect(connection, self._layout.gc_socket_file)
                for path in paths:
                    connection.sendall(path.encode("ascii") + b"\n")
                    if connection.recv(1) != b"1":
                        return False
            except OSError as error:
                if error.errno in {errno.ENOENT, errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE}:
                    return False
                raise os_failure(
                    tr("reach the garbage collector at"), self._layout.gc_socket_file, error
                ) from error
        return True

    def close(self) -> None:
        """Give all roots up; those of this process only."""
        with self._lock:
            if self._owner == os.getpid():
                try:
                    os.unlink(f"{self._layout.temp_roots_dir}/{self._owner}")
                    os.write(self._file, b"d")
                except OSError:
                    pass  # stale files are recognised by their lock
                os.close(self._file)
                os.close(self._gc_lock)
            self._owner = 0
            self._added = set()


def _connect(connection: socket.socket, file: str) -> None:
    """As `connect`, for names longer than the 108 bytes of a socket's address too."""
    directory = os.open(os.path.dirname(file), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{os.path.basename(file)}")
    finally:
        os.close(directory)


_shared: dict[tuple[int, int], tuple[TempRoots, int]] = {}
_shared_lock = threading.Lock()


def _identity(layout: Layout) -> tuple[int, int]:
    status = os.stat(layout.temp_roots_dir)
    return status.st_dev, status.st_ino


def temp_roots_of(layout: Layout) -> TempRoots:
    """This process's roots for a state directory: the same object for every store opened on it."""
    with _shared_lock:
        key = _identity(layout)
        roots, users = _shared.get(key) or (TempRoots(layout), 0)
        _shared[key] = (roots, users + 1)
        return roots


def release_temp_roots(roots: TempRoots) -> None:
    """The counterpart of `temp_roots_of`: with the last user the roots go."""
    with _shared_lock:
        for key, (shared, users) in list(_shared.items()):
            if shared is roots:
                if users > 1:
                    _shared[key] = (roots, users - 1)
                else:
                    del _shared[key]
                    roots.close()
                return
