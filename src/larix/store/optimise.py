"""Sharing equal files: one inode for all files of the store that have the same bytes and the same mode.

As Nix has it, `.links/HASH` in the store directory is another name of such an inode, HASH being that of the
file's archive in nix-base32; what only `.links` names any more goes with the next collection. Only files
whose size some other file has are read at all.

A file is replaced by one rename, so whoever reads the item sees it whole at any time. What a SIGKILL leaves
is a name in `.links`, which the next collection removes, or a folder whose time is wrong, which nothing looks
at. Items that go away meanwhile are passed over.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from larix.formats import base32
from larix.formats.hashes import new_hasher
from larix.store.errors import os_failure
from larix.store.pipeline import feed_archive
from larix.store.tree import read_steps
from larix.words import tr

if TYPE_CHECKING:
    from larix.formats.storepath import StorePath
    from larix.store.local import LocalStore

__all__ = ["TEMPORARY_LINK", "Optimised", "optimise"]

TEMPORARY_LINK = ".tmp-"
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}


class Optimised(NamedTuple):
    """How many files became other names of inodes that there are already, and how many bytes that freed."""

    files: int
    bytes_freed: int


class _File(NamedTuple):
    name: bytes
    inode: int
    mode: int
    links: int


def optimise(
    store: LocalStore,
    paths: Iterable[StorePath] | None = None,
    *,
    on_path: Callable[[StorePath], object] | None = None,
) -> Optimised:
    """Share equal files among all valid items, or among `paths`. Raises StoreError on a full disk."""
    wanted = sorted(store.all_valid_paths() if paths is None else paths)
    by_size: dict[int, list[_File]] = {}
    for path in wanted:
        if on_path is not None:
            on_path(path)
        for size, file in _files(os.fsencode(path)):
            by_size.setdefault(size, []).append(file)
    sharing = _Sharing(os.fsencode(f"{store.store_dir}/.links"))
    for size, files in by_size.items():
        if size and len({file.inode for file in files}) > 1:
            sharing.share(size, files)
    return Optimised(sharing.files, sharing.bytes_freed)


def _files(item: bytes) -> Iterator[tuple[int, _File]]:
    """The regular files of an item that nobody can write."""
    todo = [item]
    while todo:
        name = todo.pop()
        try:
            status = os.lstat(name)
            if stat.S_ISDIR(status.st_mode):
                todo += [os.path.join(name, entry) for entry in os.listdir(name)]
            elif stat.S_ISREG(status.st_mode) and not status.st_mode & 0o222:
                file = _File(name, status.st_ino, stat.S_IMODE(status.st_mode), status.st_nlink)
                yield status.st_size, file
        except OSError as error:
            if error.errno not in _GONE:
                raise os_failure(tr("read"), name, error) from error


class _Sharing:
    def __init__(self, links: bytes) -> None:
        self._links = links
        self._hashes: dict[int, str] = {}  # of inodes
        self.files = 0
        self.bytes_freed = 0

    def share(self, size: int, files: Iterable[_File]) -> None:
        """Let those of `files` be one that are equal; all have `size` bytes."""
        left: dict[int, int] = {}
        for file in files:
            left.setdefault(file.inode, file.links)
        for file in files:
            try:
                link = os.path.join(self._links, self._hash_of(file.name, file.inode).encode())
                target = self._inode_to_share(link, file)
                if target == file.inode:
                    continue
                _replace(file.name, link)
            except OSError as error:
                if error.errno in _GONE | {errno.EMLINK}:
                    continue
                raise os_failure(tr("share"), file.name, error) from error
            self.files += 1
            left[file.inode] -= 1
            if not left[file.inode]:
                self.bytes_freed += size

    def _hash_of(self, name: bytes, inode: int) -> str:
        known = self._hashes.get(inode)
        if known is None:
            hasher = new_hasher("sha256")
            feed_archive(read_steps(name, borrow=True), hasher.update)
            known = self._hashes[inode] = base32.encode(hasher.digest())
        return known

    def _inode_to_share(self, link: bytes, file: _File) -> int:
        """The inode that `link` names; that of `file` when nobody had it before, or when it is damaged."""
        while True:
            try:
                status = os.lstat(link)
            except FileNotFoundError:
                with suppress(FileExistsError):
                    os.link(file.name, link, follow_symlinks=False)
                    return file.inode
                continue
            is_sound = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == file.mode
            if is_sound and self._hash_of(link, status.st_ino).encode() == os.path.basename(link):
                return status.st_ino
            os.unlink(link)  # it would carry the damage into sound items


def _replace(name: bytes, link: bytes) -> None:
    """Make `name` another name of the inode that `link` names. The folder stays as it was."""
    folder = os.path.dirname(name)
    moment = f"{TEMPORARY_LINK}{base32.encode(os.urandom(10))}"
    temporary = os.path.join(os.path.dirname(link), moment.encode())
    os.link(link, temporary, follow_symlinks=False)
    before = os.stat(folder)
    is_item = os.path.dirname(link) == os.path.join(folder, b".links")
    try:
        if not is_item and not before.st_mode & 0o200 and os.geteuid() != 0:
            os.chmod(folder, stat.S_IMODE(before.st_mode) | 0o200)
        os.rename(temporary, name)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    finally:
        if not is_item:
            os.chmod(folder, stat.S_IMODE(before.st_mode))
            os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
