"""Files looked for: in the inputs of a build, and in search paths that are texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar, cast

from larix.buildside.environment import search_path_entries
from larix.buildside.failure import BuildSideError
from larix.buildside.patterns import compiled_pattern
from larix.buildside.several import SeveralNames, names_of

__all__ = [
    "SearchError",
    "file_name_matches",
    "join_search_path",
    "none_if_not_found",
    "search_directories",
    "search_input_directory",
    "search_input_file",
    "search_path_directories",
    "split_search_path",
]

FileName = str | os.PathLike[str]
T = TypeVar("T")


class SearchError(BuildSideError):
    """A file is in none of the directories where it was looked for: `file` and `path` tell which."""

    def __init__(self, file: str, path: Iterable[FileName], kind: str = "file") -> None:
        self.file = file
        self.path = tuple([os.fspath(each) for each in path])
        places = "\n".join(f"  {each}" for each in self.path) or "  (no inputs)"
        super().__init__(f"{kind} `{file}` is in none of these:\n{places}")


def search_input_file(inputs: Mapping[str, FileName] | SeveralNames, file: str) -> Path:
    """The first file of that relative name, such as `lib/libz.so`, among the inputs."""
    return _search(inputs, file, os.path.isfile, "file")


def search_input_directory(inputs: Mapping[str, FileName] | SeveralNames, directory: str) -> Path:
    """The first directory of that relative name among the inputs."""
    return _search(inputs, directory, os.path.isdir, "directory")


def search_directories(path: SeveralNames, file: str) -> Path:
    """The first of some directories that has the file, joined with its name."""
    return _search(path, file, os.path.exists, "file")


def _search(
    inputs: Mapping[str, FileName] | SeveralNames, file: str, exists: Callable[[str], bool], kind: str
) -> Path:
    roots = _roots(inputs)
    for root in roots:
        name = os.path.join(root, file.lstrip("/"))
        if exists(name):
            return Path(name)
    raise SearchError(file, roots, kind)


def _roots(inputs: Mapping[str, FileName] | SeveralNames) -> list[str]:
    if isinstance(inputs, Mapping):
        return names_of(cast("Mapping[str, FileName]", inputs).values())
    return names_of(inputs)


def search_path_directories(files: SeveralNames, inputs: Mapping[str, FileName] | SeveralNames) -> list[Path]:
    """Those of the relative names that exist below each input, in the order of the inputs."""
    return [Path(each) for each in search_path_entries(_roots(inputs), files)]


def split_search_path(text: str | None, separator: str = ":") -> list[str]:
    """The directories that a variable names; empty entries, which mean the current directory, are dropped."""
    return [each for each in (text or "").split(separator) if each]


def join_search_path(directories: SeveralNames, separator: str = ":") -> str:
    """The text of a variable; a directory whose name holds the separator is an error."""
    names = names_of(directories)
    for name in names:
        if separator in name:
            raise BuildSideError(f"`{name}` cannot stand in a search path: it contains `{separator}`")
    return separator.join(names)


def file_name_matches(pattern: str) -> Callable[[Path, os.stat_result], bool]:
    """A predicate for `find_files`: the pattern is searched in the base name."""
    search = compiled_pattern(pattern, "file_name_matches").search
    return lambda file, _status: search(file.name) is not None


def none_if_not_found(function: Callable[[], T]) -> T | None:
    """What the function gives, or None when a file that it wants does not exist."""
    try:
        return function()
    except FileNotFoundError:
        return None
