"""Keeping the directory of a failed build where the user who asked for it can look at it."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from larix.builder.environment import build_directory_name

__all__ = ["keep_tree"]

_TMP = "/tmp"  # noqa: S108 - where people look for it; made exclusively, never adopted


def keep_tree(directory: str, drv_name: str, *, built_by: int | None) -> str:
    """Move `directory` to `/tmp/larix-build-NAME.drv-N`, with the first free N, and tell its new name.

    No process of the build is left, and nobody else can enter `directory`. With `built_by`, the build user,
    what that user made is handed over to the user of larix; files that have other names too are left alone,
    for what those names are is unknown.
    """
    if built_by is not None:
        _hand_over(directory, built_by, os.getuid(), os.getgid())
    number = 0
    while True:
        target = f"{_TMP}/{build_directory_name(drv_name, number)}"
        try:
            os.mkdir(target, 0o700)
            break
        except FileExistsError:
            number += 1
    try:
        os.rename(directory, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        import shutil  # costs more than starting a build, and few builds are kept

        # What cannot be copied, pipes and the like, is left out: the rest is what people want to see.
        with suppress(shutil.Error):
            shutil.copytree(directory, target, symlinks=True, dirs_exist_ok=True)
    os.chmod(target, 0o700)
    return target


def _hand_over(directory: str, old: int, uid: int, gid: int) -> None:
    """Change the owner of a tree; no link is followed."""
    todo = [directory]
    while todo:
        folder = todo.pop()
        if os.lstat(folder).st_uid == old:
            os.chown(folder, uid, gid, follow_symlinks=False)
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    todo.append(entry.path)
                elif status.st_uid == old and status.st_nlink == 1:
                    os.chown(entry.path, uid, gid, follow_symlinks=False)
