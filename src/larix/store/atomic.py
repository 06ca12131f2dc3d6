"""Files that survive a power cut, and trees that go away whole.

Every write that can outlive its process comes through here: temporary file in the same directory, sync,
rename, sync of the directory. Trees are removed through directory descriptors, never by joined names: nobody
can swap a directory for a link under us, and no depth is too deep.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from larix.store.errors import os_failure
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    IsFreed: TypeAlias = Callable[[os.stat_result], bool]

__all__ = ["exchange", "remove_tree", "sync_directory", "sync_file_system", "write_all", "write_file"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def sync_directory(name: str | bytes) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(name: str) -> None:
    """Make everything written so far to the file system of `name` durable, whoever wrote it.

    One call where thousands of files were written: an `fsync` of each costs a journal commit or a flush per
    file.
    """
    import ctypes

    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise os_failure(tr("write to the disk"), name, OSError(number, os.strerror(number)))
    finally:
        os.close(descriptor)


def exchange(one: str, other: str) -> None:
    """Swap two names in one step: whoever looks finds either of the two under each, never nothing."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    here, both_ways = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if libc.renameat2(here, os.fsencode(one), here, os.fsencode(other), both_ways) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), one)


def write_file(name: str, contents: bytes, *, mode: int = 0o644) -> None:
    """Replace `name` by a file of these contents: old or new after any crash, never a mixture."""
    temporary = f"{name}.tmp-{os.getpid()}"
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode
        )
        try:
            write_all(descriptor, contents)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, name)
        sync_directory(os.path.dirname(name))
    except OSError as error:
        _discard(temporary)
        raise os_failure(tr("write"), name, error) from error


def write_all(descriptor: int, contents: bytes | memoryview) -> None:
    """`write` until nothing is left: one call may take a part only (limits, signals, more than 2 GiB)."""
    written = os.write(descriptor, contents)
    if written == len(contents):
        return
    rest = memoryview(contents)[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _discard(name: str) -> None:
    try:
        os.unlink(name)
    except OSError:
        return


def _is_last_name(status: os.stat_result) -> bool:
    return status.st_nlink <= 1


def remove_tree(name: str | bytes, *, dir_fd: int | None = None, is_freed: IsFreed = _is_last_name) -> int:
    """Remove a file, link or tree of any depth; the bytes of disk freed.

    `is_freed` tells of files that are about to go whether they count; without it, what has links elsewhere
    does not. Missing is fine. Never follows a link and never leaves the tree, whatever others do to it
    meanwhile.
    """
    try:
        status = os.lstat(name) if dir_fd is None else os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    if not stat.S_ISDIR(status.st_mode):
        is_counted = is_freed(status)
        try:
            os.unlink(name, dir_fd=dir_fd)
        except FileNotFoundError:  # somebody was faster
            return 0
        return status.st_blocks * 512 if is_counted else 0
    freed = _empty_directory(name, dir_fd, is_freed)
    os.rmdir(name, dir_fd=dir_fd)
    return freed + status.st_blocks * 512


def _open_writable(name: str | bytes, dir_fd: int | None) -> int:
    """Open a directory so that its entries can be removed: those of a store are read-only for their owner."""
    _make_readable(name, dir_fd)
    descriptor = os.open(name, _DIRECTORY, dir_fd=dir_fd)
    status = os.fstat(descriptor)
    if status.st_mode & 0o700 != 0o700 and (status.st_uid == os.geteuid() or os.geteuid() == 0):
        try:
            os.fchmod(descriptor, 0o700)
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def _make_readable(name: str | bytes, dir_fd: int | None) -> None:
    """Give the owner read permission on an unreadable directory; no link is followed."""
    status = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o500 == 0o500 or os.geteuid() == 0:
        return
    # `fchmodat` has no "no follow" on older kernels: go through an O_PATH descriptor, which cannot be
    # swapped.
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)
    finally:
        os.close(handle)


class _Level:
    """A directory being emptied: how to remove it from its parent, and what is left to do in it."""

    __slots__ = ("directories", "identity", "name", "size")

    def __init__(self, name: bytes, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self.name = name
        self.identity = (status.st_dev, status.st_ino)
        self.size = status.st_blocks * 512
        self.directories: list[bytes] = []


def _empty_directory(name: str | bytes, dir_fd: int | None, is_freed: IsFreed) -> int:
    """Remove everything below a directory, with two descriptors open at any depth.

    Going up is by "..", checked against the identity remembered on the way down.
    """
    current = _open_writable(name, dir_fd)
    try:
        level = _Level(b"", current)
        freed = _remove_files(current, level, is_freed)
        above: list[_Level] = []
        while True:
            if level.directories:
                below = level.directories.pop()
                deeper = _open_writable(below, current)
                os.close(current)
                current = deeper
                above.append(level)
                level = _Level(below, current)
                freed += _remove_files(current, level, is_freed)
                continue
            if not above:
                return freed
            parent = os.open("..", _DIRECTORY, dir_fd=current)
            os.close(current)
            current = parent
            done, level = level, above.pop()
            status = os.fstat(current)
            if (status.st_dev, status.st_ino) != level.identity:
                raise OSError(errno.ESTALE, tr("the tree was moved while it was removed"), name)
            os.rmdir(done.name, dir_fd=current)
            freed += done.size
    finally:
        os.close(current)


def _remove_files(descriptor: int, level: _Level, is_freed: IsFreed) -> int:
    """Remove what is not a directory, note in `level` what is; the bytes freed."""
    freed = 0
    with os.scandir(descriptor) as entries:
        names = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in names:
        if is_directory:
            level.directories.append(name)
            continue
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            is_counted = is_freed(status)
            os.unlink(name, dir_fd=descriptor)
        except FileNotFoundError:  # somebody was faster
            continue
        freed += status.st_blocks * 512 if is_counted else 0
    return freed
