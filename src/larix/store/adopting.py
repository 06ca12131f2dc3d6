"""Taking over a tree that larix made itself: it is moved into the store and made canonical where it lies.

Copying gives fresh inodes, which nobody who had a hand in a build can still hold open. A tree that larix's
own code made, in a process that has ended and a folder that only it could enter, has no such others, and a
profile is ten thousand links that need not be made twice. One pass reads, hashes and scans it and makes each
inode what `treewriter` would have made it.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from larix.formats.hashes import Hash, new_hasher
from larix.store.adding import Taken
from larix.store.atomic import sync_file_system
from larix.store.errors import os_failure
from larix.store.pipeline import run
from larix.store.refscan import ReferenceScanner
from larix.store.tree import ENTER, FILE, LEAVE, LINK, ROOT_NAME, Step, UnsupportedFileType
from larix.words import tr

if TYPE_CHECKING:
    from larix.formats.storepath import StorePath
    from larix.store.ingest import Incoming

__all__ = ["adopt_tree"]

_MTIME = 1_000_000_000
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def adopt_tree(source: str, incoming: Incoming, *, candidates: Iterable[StorePath]) -> Taken | None:
    """Move a tree to `incoming`, canonical, hashed, scanned and durable.

    None, with nothing done, where it cannot be moved: it is on another file system, is no directory, or has
    attributes that canonical trees have not.
    """
    try:
        if not stat.S_ISDIR(os.lstat(source).st_mode) or os.listxattr(source, follow_symlinks=False):
            return None
        os.rename(source, incoming.file)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.ENOTSUP):
            return None
        raise os_failure(tr("take"), source, error) from error
    hasher = new_hasher("sha256")
    scanner = ReferenceScanner(candidates)
    tree = _Canonical()
    try:
        size = run(tree.steps(os.fsencode(incoming.file)), scan=hasher.update)
        scanner.feed(b"\0".join(tree.texts))
        sync_file_system(os.path.dirname(incoming.file))
    except OSError as error:
        incoming.discard()
        raise os_failure(tr("take"), source, error) from error
    except BaseException:
        incoming.discard()
        raise
    return Taken(Hash("sha256", hasher.digest()), size, frozenset(scanner.found), None)


class _Canonical:
    """Makes what it reads canonical: owner, mode and time.

    `texts` is all that can hold a reference: names, contents, and where links lead. A folder that many links
    lead to stands there once, and a name that a link shares with what it leads to also.
    """

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self._folders: set[bytes] = set()
        self._owner = os.geteuid(), os.getegid()
        self._times = time.time_ns(), _MTIME

    def steps(self, root: bytes) -> Iterator[Step]:
        yield from self._directory(root, ROOT_NAME, None)

    def _directory(self, file: bytes, name: bytes, parent: int | None) -> Iterator[Step]:
        descriptor = os.open(file, _OPEN_DIRECTORY, dir_fd=parent)
        try:
            yield (ENTER, name)
            status = os.fstat(descriptor)
            is_ours = (status.st_uid, status.st_gid) == self._owner
            with os.scandir(descriptor) as found:
                entries = sorted(
                    (os.fsencode(each.name), each.is_symlink(), each.is_dir(follow_symlinks=False))
                    for each in found
                )
            times, owner = self._times, self._owner
            self.texts += [entry for entry, _, _ in entries]
            for entry, is_link, is_directory in entries:
                if is_link:
                    if not is_ours:
                        os.chown(entry, *owner, dir_fd=descriptor, follow_symlinks=False)
                    os.utime(entry, ns=times, dir_fd=descriptor, follow_symlinks=False)
                    target = os.readlink(entry, dir_fd=descriptor)
                    self._note_link(entry, target)
                    yield (LINK, entry, target)
                elif is_directory:
                    yield from self._directory(entry, entry, descriptor)
                else:
                    yield self._file(entry, descriptor)
            if not is_ours:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, 0o555)
            os.utime(descriptor, ns=times)
            yield (LEAVE,)
        finally:
            os.close(descriptor)

    def _note_link(self, name: bytes, target: bytes) -> None:
        folder, _, last = target.rpartition(b"/")
        if folder not in self._folders:
            self._folders.add(folder)
            self.texts.append(folder)
        if last != name:
            self.texts.append(last)

    def _file(self, name: bytes, parent: int) -> Step:
        descriptor = os.open(name, _OPEN_FILE, dir_fd=parent)
        with open(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise UnsupportedFileType(tr("`{name}` is no file of its own", name=os.fsdecode(name)))
            is_executable = bool(status.st_mode & stat.S_IXUSR)
            contents = stream.read()
            self.texts.append(contents)
            os.fchown(descriptor, *self._owner)
            os.fchmod(descriptor, 0o555 if is_executable else 0o444)
            os.utime(descriptor, ns=self._times)
        return (FILE, name, is_executable, contents)
