"""What a pack holds, entry by entry: names, kinds, and where contents are.

Everything is owned by root and of one moment. Folders can be written by their owner, so that whoever unpacks
something can remove it again; files are as the store keeps them.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOMENT", "Entry", "File", "Folder", "HardLink", "Link", "walk"]

MOMENT = 1  # seconds since the epoch: the time of all files of a store


class Folder(NamedTuple):
    name: bytes
    mode: int = 0o755


class Link(NamedTuple):
    """A symbolic link."""

    name: bytes
    target: bytes


class HardLink(NamedTuple):
    """Another name of a file that came before."""

    name: bytes
    target: bytes


class File(NamedTuple):
    """A file whose contents are in `file`, a file of this machine, or are `contents` themselves."""

    name: bytes
    size: int
    executable: bool = False
    file: bytes | None = None
    contents: bytes = b""

    @property
    def mode(self) -> int:
        return 0o555 if self.executable else 0o444


Entry = Folder | Link | HardLink | File


def walk(top: bytes, name: bytes) -> Iterator[Entry]:
    """The file, link or folder `top` under the name `name`; a folder comes before what is in it, sorted."""
    pending = [(top, name)]
    while pending:
        file, shown = pending.pop()
        status = os.lstat(file)
        if stat.S_ISDIR(status.st_mode):
            yield Folder(shown)
            names = sorted(os.listdir(file), reverse=True)
            pending += [(file + b"/" + each, shown + b"/" + each) for each in names]
        elif stat.S_ISLNK(status.st_mode):
            yield Link(shown, os.readlink(file))
        else:
            yield File(shown, status.st_size, bool(status.st_mode & 0o100), file)
