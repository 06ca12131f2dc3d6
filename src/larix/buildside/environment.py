"""Search-path variables of a build: which directories of the inputs go where."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from larix.buildside.several import names_of

if TYPE_CHECKING:
    from larix.buildside.several import SeveralNames

__all__ = ["search_path_entries", "set_path_environment"]


def search_path_entries(
    roots: SeveralNames,
    files: SeveralNames,
    *,
    kind: str = "directory",
    pattern: str | None = None,
) -> list[str]:
    """What exists of `files` (relative names) below each root, in the order of the roots.

    `kind` is `directory` or `regular`. With a pattern, the entries are the names below those directories
    whose base name it matches.
    """
    subdirectories = names_of(files)
    exists = os.path.isdir if kind == "directory" else os.path.isfile
    entries: list[str] = []
    for root in names_of(roots):
        for sub in subdirectories:
            name = os.path.join(root, sub) if sub and sub != "." else root
            if pattern is None:
                entries += [name] if exists(name) else []
            elif os.path.isdir(name):
                found = sorted(each for each in os.listdir(name) if re.search(pattern, each))
                entries += [path for each in found if exists(path := os.path.join(name, each))]
    return list(dict.fromkeys(entries))


def set_path_environment(
    variable: str,
    files: SeveralNames,
    roots: SeveralNames,
    *,
    separator: str | None = ":",
    kind: str = "directory",
    pattern: str | None = None,
) -> None:
    """Set a variable to the search path found, or unset it; no separator: the first entry alone."""
    entries = search_path_entries(roots, files, kind=kind, pattern=pattern)
    if not entries:
        os.environ.pop(variable, None)
        return
    os.environ[variable] = entries[0] if separator is None else separator.join(entries)
    print(f"{variable}={os.environ[variable]}", flush=True)
