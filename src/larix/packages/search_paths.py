"""Search paths: the environment variables in which a package looks for what other packages hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.buildside.environment import search_path_entries

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

__all__ = ["BUILD_SEARCH_PATHS", "SearchPath", "evaluate_search_paths"]


class SearchPath(NamedTuple):
    """`variable` gets, of each root, those of `files` (relative names) that exist.

    `kind` is `directory` or `regular`; with `pattern`, a regular expression, the entries are what it matches
    in those directories. Without a separator the variable holds one entry.
    """

    variable: str
    files: tuple[str, ...]
    separator: str | None = ":"
    kind: str = "directory"
    pattern: str | None = None


PATH = SearchPath("PATH", ("bin", "sbin"))

# What compilers and their helpers read. The toolchain's own directories are known to it and must not stand
# here: listed twice, the order of the C++ headers would break.
BUILD_SEARCH_PATHS = (
    SearchPath("C_INCLUDE_PATH", ("include",)),
    SearchPath("CPLUS_INCLUDE_PATH", ("include/c++", "include")),
    SearchPath("LIBRARY_PATH", ("lib",)),
    SearchPath("PKG_CONFIG_PATH", ("lib/pkgconfig", "share/pkgconfig")),
    SearchPath("ACLOCAL_PATH", ("share/aclocal",)),
)


def evaluate_search_paths(
    specifications: Iterable[SearchPath], roots: Sequence[str | os.PathLike[str]]
) -> list[tuple[SearchPath, str]]:
    """The variables that get a value from these roots, in the order given, each once."""
    found: list[tuple[SearchPath, str]] = []
    for each in dict.fromkeys(specifications):
        entries = search_path_entries(roots, each.files, kind=each.kind, pattern=each.pattern)
        if entries:
            found.append((each, entries[0] if each.separator is None else each.separator.join(entries)))
    return found
