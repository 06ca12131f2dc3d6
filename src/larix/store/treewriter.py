"""Writing a tree into the store: fresh inodes, canonical from the first moment, durable at the end.

Canonical: files 0444 or 0555, directories 0555, modification times 1, no set-id bits, no extended attributes,
no hard links, owned by whoever owns the store. As every inode is new, whoever held the original open (a
builder's left-over process, a hard link elsewhere) holds something else.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable

from larix.store.atomic import sync_file_system, write_all
from larix.store.errors import os_failure
from larix.store.tree import CHUNK, END_LARGE, ENTER, FILE, LARGE, LEAVE, LINK, Step
from larix.words import tr

__all__ = ["TreeWriter"]

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MTIME = 1_000_000_000
_SYNC_EACH = 24  # files and directories; beyond, one sync of the file system is cheaper than one of each
_START_WRITEBACK = 16 * 1024 * 1024


class TreeWriter:
    """Takes the steps of one tree and makes it at `file`, which must not exist.

    `watch` is called now and then while there is more to write.
    """

    def __init__(self, file: str, watch: Callable[[], object] | None = None) -> None:
        self._file = os.fsencode(file)
        self._watch = watch
        parent = os.path.dirname(self._file)
        try:
            self._directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise os_failure(tr("open"), parent, error) from error
        self._parent = parent
        self._depth = 0
        self._times = (time.time_ns(), _MTIME)
        self._large = -1
        self._unflushed = 0
        self._offset = 0
        self._unsynced: list[int] | None = []

    def take(self, steps: Iterable[Step]) -> None:
        """Write some more steps; after an error nothing but `abandon` makes sense."""
        if self._watch is not None:
            self._watch()
        try:
            for step in steps:
                self._take(step)
        except OSError as error:
            raise os_failure(tr("write"), self._file, error) from error

    def _take(self, step: Step) -> None:
        kind = step[0]
        if kind == FILE:
            _, name, executable, contents = step
            descriptor = self._create(name, executable=executable)
            try:
                if contents:
                    write_all(descriptor, contents)
                os.utime(descriptor, ns=self._times)
            except BaseException:
                os.close(descriptor)
                raise
            self._finish(descriptor)
        elif kind == ENTER:
            self._enter(step[1])
        elif kind == LEAVE:
            self._leave()
        elif kind == LINK:
            name = step[1] or self._file
            os.symlink(step[2], name, dir_fd=self._directory)
            os.utime(name, ns=self._times, dir_fd=self._directory, follow_symlinks=False)
        elif kind == CHUNK:
            self._write_chunk(step[1])
        elif kind == LARGE:
            self._large = self._create(step[1], executable=step[2])
            self._offset = self._unflushed = 0
        elif kind == END_LARGE:
            os.utime(self._large, ns=self._times)
            self._finish(self._large)
            self._large = -1

    def _create(self, name: bytes, *, executable: bool) -> int:
        mode = 0o555 if executable else 0o444
        descriptor = os.open(name or self._file, _CREATE, mode, dir_fd=self._directory)
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)  # the umask took something away
        return descriptor

    def _write_chunk(self, data: bytes) -> None:
        write_all(self._large, data)
        self._offset += len(data)
        if self._offset - self._unflushed >= _START_WRITEBACK:
            # What is dirty is not dropped by this but queued for the disk, so that the sync at the end is
            # short.
            os.posix_fadvise(
                self._large, self._unflushed, self._offset - self._unflushed, os.POSIX_FADV_DONTNEED
            )
            self._unflushed = self._offset

    def _finish(self, descriptor: int) -> None:
        """Keep the descriptor for the sync at the end, while there are few."""
        if self._unsynced is None:
            os.close(descriptor)
            return
        self._unsynced.append(descriptor)
        if len(self._unsynced) > _SYNC_EACH:
            for kept in self._unsynced:
                os.close(kept)
            self._unsynced = None

    def _enter(self, name: bytes) -> None:
        os.mkdir(name or self._file, 0o755, dir_fd=self._directory)
        deeper = os.open(name or self._file, _OPEN_DIRECTORY, dir_fd=self._directory)
        os.close(self._directory)
        self._directory = deeper
        self._depth += 1

    def _leave(self) -> None:
        self._depth -= 1
        parent = os.open(self._parent if self._depth == 0 else "..", _OPEN_DIRECTORY, dir_fd=self._directory)
        descriptor, self._directory = self._directory, parent
        try:
            os.fchmod(descriptor, 0o555)
            os.utime(descriptor, ns=self._times)
        except BaseException:
            os.close(descriptor)
            raise
        self._finish(descriptor)

    def sync(self) -> None:
        """Make all that was written durable; the name itself becomes so with its final directory."""
        try:
            if self._unsynced is None:
                sync_file_system(os.fsdecode(self._parent))
            else:
                for descriptor in self._unsynced:
                    os.fsync(descriptor)
        except OSError as error:
            raise os_failure(tr("write"), self._file, error) from error
        self.close()

    def close(self) -> None:
        """Let go of all descriptors; idempotent."""
        for descriptor in self._unsynced or ():
            os.close(descriptor)
        self._unsynced = []
        if self._large >= 0:
            os.close(self._large)
            self._large = -1
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1
