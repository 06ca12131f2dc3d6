"""A tree as a value: for what fits in memory, such as build-side modules and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Directory", "File", "Symlink", "Tree"]


class File(NamedTuple):
    contents: bytes
    executable: bool = False


class Symlink(NamedTuple):
    target: bytes


class Directory(NamedTuple):
    """Entries by name, in any order: an archive has them sorted."""

    entries: Mapping[bytes, Tree]


Tree: TypeAlias = "File | Symlink | Directory"
