"""Entries of desktop menus (freedesktop.org, Desktop Entry Specification 1.5): programs named in full."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.buildside.files import find_files, substitute

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["patch_desktop_files"]

PROGRAM = re.compile(r"^(?P<key>(?:Try)?Exec)=(?P<quote>\"?)(?P<program>[^\s\"/=]+)")


def patch_desktop_files(output: Path) -> int:
    """Name programs of the output's own bin in full, as menus know no PATH; tell how many entries it has."""
    directory = output / "share" / "applications"
    if not directory.is_dir():
        return 0

    def in_full(match: re.Match[str]) -> str:
        program = output / "bin" / match["program"]
        named = str(program) if program.exists() else match["program"]
        return f"{match['key']}={match['quote']}{named}"

    files = [file for file in find_files(directory, r"\.desktop$") if not file.is_symlink()]
    if files:
        substitute(files, (PROGRAM, in_full), required=False)
    return len(files)
