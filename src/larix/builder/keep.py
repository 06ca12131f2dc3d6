"""Keeping the directory of a failed build where the user who asked for it can look at it.

The builder owned the directory and may have left anything in it, links at names that larix is about to use
among them, and anything in its place. So it is opened once, and all that is done to it goes through that
descriptor, one component of a name at a time, following no link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress

from larix.builder.environment import build_directory_name
from larix.store.atomic import remove_tree, write_all

__all__ = ["keep_tree"]

_TMP = "/tmp"  # noqa: S108 - where people look for it; made exclusively, never adopted
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def keep_tree(
    directory: str, drv_name: str, *, built_by: int | None, files: Mapping[str, bytes] | None = None
) -> str:
    """Move `directory` to `/tmp/larix-build-NAME.drv-N`, with the first free N, and tell its new name.

    No process of the build is left, and nobody else can enter `directory`. With `built_by`, the build user,
    what that user made is handed over to the user of larix; files that have other names too are left alone,
    for what those names are is unknown. `files` are put into it, in place of what is called like them.
    """
    top = os.open(directory, _DIRECTORY)
    try:
        os.fchmod(top, 0o700)  # before it is anywhere that others can reach
        if built_by is not None:
            _hand_over(top, built_by, os.getuid(), os.getgid())
        target = _new_folder(drv_name)
        try:
            top = _move(directory, target, top)
            for name, contents in (files or {}).items():
                _put(top, name, contents)
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


def _move(directory: str, target: str, top: int) -> int:
    """Have what is in `directory`, open as `top`, in `target`, an empty folder; give that one, opened."""
    try:
        os.rename(directory, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        return top
    import shutil  # costs more than starting a build, and few builds are kept

    # What cannot be copied, pipes and the like, is left out: the rest is what people want to see.
    try:
        with suppress(shutil.Error):
            shutil.copytree(directory, target, symlinks=True, dirs_exist_ok=True)
    except RecursionError as error:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), directory) from error
    copy = os.open(target, _DIRECTORY)
    os.close(top)
    return copy


def _put(folder: int, name: str, contents: bytes) -> None:
    remove_tree(name, dir_fd=folder)
    descriptor = os.open(name, _CREATE, 0o644, dir_fd=folder)
    try:
        write_all(descriptor, contents)
    finally:
        os.close(descriptor)


def _hand_over(top: int, old: int, uid: int, gid: int) -> None:
    """Change the owner of a tree of any depth."""
    current = os.dup(top)
    try:
        below = [_give(current, old, uid, gid)]
        while below:
            going_down = bool(below[-1])
            if not going_down:
                below.pop()
                if not below:
                    return
            name = below[-1].pop() if going_down else ".."
            there = os.open(name, _DIRECTORY, dir_fd=current)
            os.close(current)
            current = there
            if going_down:
                below.append(_give(current, old, uid, gid))
    finally:
        os.close(current)


def _give(folder: int, old: int, uid: int, gid: int) -> list[str]:
    """Hand over a folder and what is in it but folders, whose names are given."""
    if os.fstat(folder).st_uid == old:
        os.fchown(folder, uid, gid)
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            status = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                names.append(entry.name)
            elif status.st_uid == old and status.st_nlink == 1:
                os.chown(entry.name, uid, gid, dir_fd=folder, follow_symlinks=False)
    return names
