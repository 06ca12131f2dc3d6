"""The documentation of an output: where it stands, what of it must go, and compressed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, install_file, mkdir_p
from larix.buildside.gzip_files import compress_file

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "LICENSE_FILES",
    "compress_documentation",
    "delete_info_dir",
    "install_license_files",
    "move_documentation",
]

LICENSE_FILES = r"^(COPYING.*|LICEN[CS]E.*|[Ll]icen[cs]e.*|Copy[Rr]ight(\.(txt|md))?)$"
MANUAL_PAGE = re.compile(r"\.[0-9][a-z]*$")
INFO_PAGE = re.compile(r"\.info(-[0-9]+)?$")


def delete_info_dir(output: Path) -> bool:
    """Delete the directory file of info: two packages would clash over it, and profiles make their own."""
    found = False
    for name in ("dir", "dir.gz"):
        file = output / "share" / "info" / name
        if file.is_file():
            file.unlink()
            found = True
    return found


def move_documentation(output: Path) -> list[Path]:
    """Move what stands in `man`, `info` and `doc` of an output below its share, where readers look for it.

    It is an error when the same directory is there already.
    """
    moved: list[Path] = []
    for name in ("man", "info", "doc"):
        old, new = output / name, output / "share" / name
        if old.is_dir() and not old.is_symlink():
            if new.exists():
                raise BuildSideError(f"documentation stands in both {old} and {new}: install it in one")
            mkdir_p(new.parent)
            old.rename(new)
            moved.append(new)
    return moved


def compress_documentation(output: Path) -> int:
    """Compress manual and info pages below share; return how many.

    Hard links become separate files; a link keeps pointing at what it meant. A page that sources another with
    `.so` needs no change: readers try the compressed name.
    """
    pages = [
        *_pages(output / "share" / "man", MANUAL_PAGE),
        *_pages(output / "share" / "info", INFO_PAGE),
    ]
    names = {os.path.realpath(page) for page in pages if not page.is_symlink()}
    chosen = [page for page in pages if not page.is_symlink() or os.path.realpath(page) in names]
    for page in chosen:
        compress_file(page)
    return len(chosen)


def install_license_files(
    source: Path, output: Path, directory_name: str, *, pattern: str = LICENSE_FILES
) -> Sequence[Path]:
    """Copy the licence texts at the top of a source to share/doc/NAME-VERSION."""
    wanted = re.compile(pattern)
    names = sorted(each.name for each in source.iterdir() if each.is_file() and wanted.search(each.name))
    target = output / "share" / "doc" / directory_name
    return [install_file(source / name, target, executable=False) for name in names]


def _pages(directory: Path, pattern: re.Pattern[str]) -> list[Path]:
    if not directory.is_dir():
        return []
    return [file for file in find_files(directory) if pattern.search(file.name)]
