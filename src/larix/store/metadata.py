"""What is no part of an item's archive and must be as it was written all the same: modes, times, owner."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from larix.store.errors import StoreError, os_failure, quoted
from larix.words import tr

__all__ = ["alteration", "make_canonical", "owner_of_items"]

_MTIME = 1_000_000_000
_IMPLIED = frozenset({"security.selinux", "system.nfs4_acl", "lustre.lov", "btrfs.compression"})
_NOTHING = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def owner_of_items(store_dir: str) -> int:
    return os.stat(store_dir).st_uid


def alteration(path: str, owner: int) -> str | None:
    """The first thing about an item, its content aside, that is not as larix makes it."""
    try:
        for name, status in _entries(os.fsencode(path)):
            problem = _problem(name, status, owner)
            if problem is not None:
                return f"{quoted(name)}: {problem}" if name != os.fsencode(path) else problem
    except OSError as error:
        raise os_failure(tr("read"), path, error) from error
    return None


def make_canonical(path: str, owner: int) -> None:
    """Set right all that `alteration` looks at; content stays as it is, and whoever reads it sees no change.

    Through descriptors and without following links. Raises StoreError.
    """
    try:
        for name, status in _entries(os.fsencode(path)):
            if _problem(name, status, owner) is not None:
                _mend(name, status, owner)
    except OSError as error:
        raise os_failure(tr("repair"), path, error) from error


def _entries(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Every entry of a tree, what is in a folder before the folder itself: mending changes its time."""
    todo: list[tuple[bytes, os.stat_result | None]] = [(root, None)]
    while todo:
        name, known = todo.pop()
        if known is not None:
            yield name, known
            continue
        status = os.lstat(name)
        if stat.S_ISDIR(status.st_mode):
            todo.append((name, status))
            todo += [(os.path.join(name, entry), None) for entry in os.listdir(name)]
        else:
            yield name, status


def _canonical_mode(mode: int) -> int:
    return 0o555 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o444


def _problem(name: bytes, status: os.stat_result, owner: int) -> str | None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISLNK(status.st_mode) and mode != _canonical_mode(status.st_mode):
        expected = _canonical_mode(status.st_mode)
        return tr("mode {mode}, not {expected}", mode=f"{mode:04o}", expected=f"{expected:04o}")
    if status.st_mtime_ns != _MTIME:
        return tr("modification time {time}, not 1", time=status.st_mtime_ns // 1_000_000_000)
    if status.st_uid != owner:
        return tr("owner {owner}, not {expected}", owner=status.st_uid, expected=owner)
    extra = _attributes(name)
    if extra:
        return tr("extended attribute {name}", name=extra[0])
    return None


def _attributes(name: bytes) -> list[str]:
    try:
        return [each for each in os.listxattr(name, follow_symlinks=False) if each not in _IMPLIED]
    except OSError:
        return []  # a file system that knows none


def _mend(name: bytes, status: os.stat_result, owner: int) -> None:
    for attribute in _attributes(name):
        os.removexattr(name, attribute, follow_symlinks=False)
    if status.st_uid != owner:
        os.chown(name, owner, -1, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        handle = os.open(name, _NOTHING)
        try:
            if os.fstat(handle).st_ino != status.st_ino:
                raise StoreError(tr("`{name}` changed meanwhile", name=quoted(name)))
            os.chmod(f"/proc/self/fd/{handle}", _canonical_mode(status.st_mode))
        finally:
            os.close(handle)
    os.utime(name, ns=(status.st_atime_ns, _MTIME), follow_symlinks=False)
