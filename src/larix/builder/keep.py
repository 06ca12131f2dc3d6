"""Keeping the directory of a failed build where the user who asked for it can look at it.

The builder owned the directory and may have left anything in it, links at names that larix is about to use
among them, and anything in its place. So it is opened once, and all that is done to it goes through that
descriptor, one component of a name at a time, following no link. Nor need the user who asked be trusted: what
is given away is the builder's, looked at when it is open, and cannot be reached before all of it is given.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress

from larix.builder.environment import build_directory_name
from larix.store.atomic import remove_tree, write_all

__all__ = ["keep_tree"]

_PIECE = 1 << 18

_TMP = "/tmp"  # noqa: S108 - where people look for it; made exclusively, never adopted
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def keep_tree(
    directory: str,
    drv_name: str,
    *,
    built_by: int | None,
    given_to: tuple[int, int] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Move `directory` to `/tmp/larix-build-NAME.drv-N`, with the first free N, and tell its new name.

    No process of the build is left, and nobody else can enter `directory`. With `built_by`, the build user,
    what that user made is handed over to the user and group `given_to`, by default those of larix; files that
    have other names too are left alone, for what those names are is unknown. `files` are put into it, in
    place of what is called like them.
    """
    uid, gid = given_to or (os.getuid(), os.getgid())
    top = os.open(directory, _DIRECTORY)
    try:
        os.fchmod(top, 0o700)  # before it is anywhere that others can reach
        target = _new_folder(drv_name)
        try:
            top = _move(directory, target, top, built_by)
            for name, contents in (files or {}).items():
                _put(top, name, contents, None if built_by is None else (uid, gid))
            if built_by is not None:
                _hand_over(top, built_by, uid, gid)
        except OSError:
            remove_tree(target)
            raise
    finally:
        os.close(top)
    return target


def _new_folder(drv_name: str) -> str:
    number = 0
    while True:
        target = f"{_TMP}/{build_directory_name(drv_name, number)}"
        try:
            os.mkdir(target, 0o700)
        except FileExistsError:
            number += 1
        else:
            return target


def _move(directory: str, target: str, top: int, owner: int | None) -> int:
    """Have what is in `directory`, open as `top`, in `target`, an empty folder; give that one, opened."""
    try:
        os.rename(directory, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        return top
    copy = os.open(target, _DIRECTORY)
    try:
        _copy(top, copy, owner)
    except BaseException:
        os.close(copy)
        raise
    os.close(top)
    return copy


def _put(folder: int, name: str, contents: bytes, owner: tuple[int, int] | None) -> None:
    remove_tree(name, dir_fd=folder)
    descriptor = os.open(name, _CREATE, 0o644, dir_fd=folder)
    try:
        write_all(descriptor, contents)
        if owner is not None:
            os.fchown(descriptor, *owner)
    finally:
        os.close(descriptor)


class _Place:
    """A folder in a tree, open as `fd`. On the way up it is made sure that nobody has moved it meanwhile."""

    def __init__(self, top: int) -> None:
        self.fd = os.dup(top)
        self._above: list[tuple[int, int]] = []

    def down(self, name: str) -> None:
        there = os.open(name, _DIRECTORY, dir_fd=self.fd)
        self._above.append(_identity(self.fd))
        self._become(there)

    def up(self) -> None:
        self._become(os.open("..", _DIRECTORY, dir_fd=self.fd))
        if _identity(self.fd) != self._above.pop():
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    def _become(self, there: int) -> None:
        os.close(self.fd)
        self.fd = there

    def close(self) -> None:
        os.close(self.fd)


def _identity(folder: int) -> tuple[int, int]:
    status = os.fstat(folder)
    return status.st_dev, status.st_ino


def _hand_over(top: int, old: int, uid: int, gid: int) -> None:
    """Change the owner of a tree of any depth, that of the top last: nobody gets at the others before."""
    place = _Place(top)
    try:
        below = [_give_files(place.fd, old, uid, gid)]
        while True:
            if below[-1]:
                place.down(below[-1].pop())
                below.append(_give_files(place.fd, old, uid, gid))
                continue
            below.pop()
            if os.fstat(place.fd).st_uid == old:
                os.fchown(place.fd, uid, gid)
            if not below:
                return
            place.up()
    finally:
        place.close()


def _give_files(folder: int, old: int, uid: int, gid: int) -> list[str]:
    """Hand over the files in a folder; the names of the folders in it. Links stay whose they are."""
    names, files = _listed(folder)
    for name in files:
        with _opened(folder, name, old) as descriptor:
            if descriptor >= 0:
                os.fchown(descriptor, uid, gid)
    return names


def _listed(folder: int) -> tuple[list[str], list[str]]:
    """The names of folders and of plain files."""
    names: list[str] = []
    files: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                names.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
    return names, files


@contextmanager
def _opened(folder: int, name: str, owner: int | None) -> Generator[int]:
    """A plain file of `owner` that has no other name, open for reading; -1 for anything else.

    It is the open file that is looked at: who has got hold of a folder of the tree may exchange names.
    """
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except OSError:
        yield -1
        return
    try:
        status = os.fstat(descriptor)
        is_own = status.st_nlink == 1 and owner in {None, status.st_uid}
        yield descriptor if is_own and stat.S_ISREG(status.st_mode) else -1
    finally:
        os.close(descriptor)


def _copy(top: int, target: int, owner: int | None) -> None:
    """Copy what `owner` made to another file system, without pipes and the like and what is of others."""
    place, copy = _Place(top), _Place(target)
    try:
        below = [_copy_files(place.fd, copy.fd, owner)]
        while True:
            if below[-1]:
                name = below[-1].pop()
                place.down(name)
                os.mkdir(name, 0o700, dir_fd=copy.fd)
                copy.down(name)
                below.append(_copy_files(place.fd, copy.fd, owner))
                continue
            below.pop()
            _finish_copy(place.fd, copy.fd, owner)
            if not below:
                return
            place.up()
            copy.up()
    finally:
        place.close()
        copy.close()


def _copy_files(folder: int, target: int, owner: int | None) -> list[str]:
    """Copy files and links; the names of the folders."""
    names, files = _listed(folder)
    for name in files:
        with _opened(folder, name, owner) as source:
            if source < 0:
                continue
            copy = os.open(name, _CREATE, 0o600, dir_fd=target)
            try:
                while piece := os.read(source, _PIECE):
                    write_all(copy, piece)
                _finish_copy(source, copy, owner)
            finally:
                os.close(copy)
    for name in set(os.listdir(folder)).difference(names, files):
        with suppress(OSError):  # no link
            os.symlink(os.readlink(name, dir_fd=folder), name, dir_fd=target)
    return names


def _finish_copy(source: int, copy: int, owner: int | None) -> None:
    status = os.fstat(source)
    os.fchmod(copy, stat.S_IMODE(status.st_mode) & 0o777)
    if owner is not None:
        os.fchown(copy, owner, -1)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
