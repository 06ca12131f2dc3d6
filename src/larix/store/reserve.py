"""Room set aside for the day on which the disk is full: space and inodes that collecting garbage needs.

SQLite cannot even read without two files of its own beside the database, and a collection writes before it
frees. So there are three things in `STATE/db`: `reserved-open` is given back by whoever cannot open the
database otherwise, `reserved` (Nix has that one, too) and the empty files of `reserved-inodes` only by a
collection. What is missing is made again as soon as there is room.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.store.layout import Layout

__all__ = ["give_back", "is_full", "set_aside"]

_SPACE = 8 << 20
_SPACE_TO_OPEN = 1 << 20
_INODES = 16
_INODES_TO_OPEN = 4
_LEFT, _INODES_LEFT = 4 << 20, 16  # what must be free besides
_NOTHING = 64 * 1024


def is_full(directory: str) -> bool:
    """Whether hardly anything can be written or made there; some file systems do not count inodes."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _NOTHING or (status.f_files > 0 and status.f_favail < 2)


def set_aside(layout: Layout, *, is_new: bool = False) -> None:
    """Make what is missing, unless too little would be left; what cannot be had is done without.

    For a store that `is_new` it does not matter how much is left.
    """
    files = [*_space(layout), *((file, 0) for file in _inodes(layout))]
    missing = [(file, size) for file, size in files if not os.path.exists(file)]
    if not missing:
        return
    if not is_new and not _leaves_enough(os.path.dirname(layout.database_file), missing):
        return
    with suppress(OSError):
        os.makedirs(_folder(layout), mode=0o700, exist_ok=True)
        for file, size in missing:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                if size:
                    os.posix_fallocate(descriptor, 0, size)
            finally:
                os.close(descriptor)


def give_back(layout: Layout, *, everything: bool) -> bool:
    """Give the room back: all of it, or as much as it takes to open the database; false if there is none."""
    files = [file for file, _ in _space(layout)]
    inodes = list(_inodes(layout))
    if not everything:
        files, inodes = files[:1], inodes[:_INODES_TO_OPEN]
    is_given = False
    for file in (*files, *inodes):
        with suppress(OSError):
            os.unlink(file)
            is_given = True
    return is_given


def _leaves_enough(directory: str, files: list[tuple[str, int]]) -> bool:
    try:
        status = os.statvfs(directory)
    except OSError:
        return False
    has_inodes = status.f_files == 0 or status.f_favail >= len(files) + _INODES_LEFT
    return has_inodes and status.f_bavail * status.f_frsize >= sum(size for _, size in files) + _LEFT


def _space(layout: Layout) -> list[tuple[str, int]]:
    return [(f"{layout.reserve_file}-open", _SPACE_TO_OPEN), (layout.reserve_file, _SPACE)]


def _folder(layout: Layout) -> str:
    return f"{layout.reserve_file}-inodes"


def _inodes(layout: Layout) -> Iterator[str]:
    return (f"{_folder(layout)}/{number}" for number in range(_INODES))
