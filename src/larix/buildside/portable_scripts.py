"""Scripts that are installed to be copied into other sources, and run on machines without a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.buildside.files import find_files, substitute

if TYPE_CHECKING:
    from larix.buildside.files import FileName

__all__ = ["name_usual_shell"]


def name_usual_shell(*directories: FileName) -> None:
    """Let `#!` lines below the directories name the shell as every system does, and not as the store does."""
    files = [file for directory in directories for file in find_files(directory) if not file.is_symlink()]
    substitute(files, (r"^#!\s*/\S+/(ba)?sh\b", r"#!/bin/\1sh"))
