"""Sharing equal files: one inode for all files of the store that have the same bytes and the same mode.

Another name of such an inode is `.links/XX/REST` in the store directory, XXREST being the hash of the file's
archive in nix-base32. Nix has all of them in one folder, which becomes slow with millions; names of that kind
are used and moved. What only `.links` names any more goes with the next collection. Of a whole store only
files whose size some other file has are read at all; of a new item those that are worth it.

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
from larix.formats.nar.encoder import ARCHIVE_START, regular_end, regular_start
from larix.store.errors import StoreError, os_failure
from larix.words import tr

if TYPE_CHECKING:
    from larix.formats.storepath import StorePath
    from larix.store.local import LocalStore

__all__ = ["TEMPORARY_LINK", "Optimised", "optimise", "share_new"]

TEMPORARY_LINK = ".tmp-"
_WORTH_IT = 8 * 1024  # bytes; of files that are smaller the name costs about as much as it saves
_PIECE = 1 << 18
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


def share_new(store_dir: str, tree: str) -> Optimised:
    """Share the files of a tree that is canonical and durable, and not yet valid, with those of the store.

    Where that cannot be, for lack of space or links, the files stay as they are.
    """
    sharing = _Sharing(os.fsencode(f"{store_dir}/.links"))
    with suppress(StoreError):
        for size, file in _files(os.fsencode(tree)):
            if size >= _WORTH_IT:
                sharing.share(size, [file])
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
        self._folders: set[bytes] = set()  # those of `.links` that are there
        self._flat: set[bytes] | None = None  # names as Nix has them, once looked for
        self.files = 0
        self.bytes_freed = 0

    def share(self, size: int, files: Iterable[_File]) -> None:
        """Let those of `files` be one that are equal; all have `size` bytes."""
        left: dict[int, int] = {}
        for file in files:
            left.setdefault(file.inode, file.links)
        for file in files:
            try:
                link = self._link_of(self._hash_of(file.name, file.inode).encode())
                target = self._inode_to_share(link, file)
                if target == file.inode:
                    continue
                self._replace(file.name, link)
            except OSError as error:
                if error.errno in _GONE | {errno.EMLINK}:
                    continue
                raise os_failure(tr("share"), file.name, error) from error
            self.files += 1
            left[file.inode] -= 1
            if not left[file.inode]:
                self.bytes_freed += size

    def _link_of(self, digits: bytes) -> bytes:
        """The name in `.links` for this hash; its folder is there then."""
        folder = os.path.join(self._links, digits[:2])
        link = os.path.join(folder, digits[2:])
        if folder not in self._folders:
            with suppress(FileExistsError):
                os.mkdir(folder)
            self._folders.add(folder)
        if self._flat is None:
            self._flat = {name for name in os.listdir(self._links) if len(name) > 2}
        if digits in self._flat and not os.path.lexists(link):
            with suppress(FileNotFoundError):
                os.rename(os.path.join(self._links, digits), link)
        return link

    def _hash_of(self, name: bytes, inode: int) -> str:
        known = self._hashes.get(inode)
        if known is None:
            known = self._hashes[inode] = base32.encode(_archive_digest(name))
        return known

    def _inode_to_share(self, link: bytes, file: _File) -> int:
        """The inode that `link` names; that of `file` when nobody had it before, or when it is damaged."""
        while True:
            with suppress(FileExistsError):
                os.link(file.name, link, follow_symlinks=False)
                return file.inode
            try:
                status = os.lstat(link)
            except FileNotFoundError:
                continue
            if status.st_ino == file.inode or self._is_sound(link, status, file):
                return status.st_ino
            os.unlink(link)  # it would carry the damage into sound items

    def _is_sound(self, link: bytes, status: os.stat_result, file: _File) -> bool:
        """Whether `link`, whose name tells the hash of `file`, has its bytes and its mode."""
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != file.mode:
            return False
        known = self._hashes.get(status.st_ino)
        if known is not None:
            return known == self._hashes.get(file.inode)
        return _are_equal(link, file.name)

    def _replace(self, name: bytes, link: bytes) -> None:
        """Make `name` another name of the inode that `link` names. The folder stays as it was."""
        folder = os.path.dirname(name)
        moment = f"{TEMPORARY_LINK}{base32.encode(os.urandom(10))}"
        temporary = os.path.join(self._links, moment.encode())
        os.link(link, temporary, follow_symlinks=False)
        before = os.stat(folder)
        is_item = self._links == os.path.join(folder, b".links")
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


def _archive_digest(name: bytes) -> bytes:
    """That of the archive of a regular file: in one read where it is small."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        size, done = status.st_size, 0
        hasher = new_hasher("sha256")
        hasher.update(ARCHIVE_START + regular_start(size, executable=bool(status.st_mode & 0o100)))
        while done < size and (data := os.read(descriptor, _PIECE)):
            hasher.update(data)
            done += len(data)
        if done != size:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), name)  # somebody writes into the store
        hasher.update(regular_end(size))
        return hasher.digest()
    finally:
        os.close(descriptor)


def _are_equal(one: bytes, other: bytes) -> bool:
    """Compare two files: quicker than a hash, which the second file needs anyway for its name."""
    with open(one, "rb", buffering=0) as first, open(other, "rb", buffering=0) as second:
        while True:
            data = first.read(_PIECE)
            if data != second.read(_PIECE):
                return False
            if not data:
                return True
