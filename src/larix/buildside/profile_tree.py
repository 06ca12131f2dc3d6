"""The tree of a profile: the union of its entries, `manifest`, and `etc/profile` for shells to source."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from larix.buildside.union import union_build

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    SearchPathFields: TypeAlias = tuple[str, Sequence[str], str | None, str, str | None]

__all__ = ["PATH", "make_profile", "search_path_values", "settings_of", "shell_setting"]

# Variable, files, separator (None: holds one place), type, pattern.
PATH: SearchPathFields = ("PATH", ("bin", "sbin"), ":", "directory", None)

HEADER = """\
# Shell settings of this profile, for Bourne-like shells:
#   LARIX_PROFILE=/name/of/the/profile
#   . "$LARIX_PROFILE/etc/profile"
# LARIX_PROFILE is optional: with it the settings follow the profile through its generations, without it they
# stay with the one generation that this file is a part of.

"""


def make_profile(
    output: str | os.PathLike[str],
    *,
    entries: Iterable[str],
    manifest: str,
    search_paths: Iterable[SearchPathFields] = (),
) -> None:
    """Make the profile `output` of the store items `entries`; of clashing files, the first entry's counts."""
    root = os.fspath(output)
    for collision in union_build(root, entries, directories=("etc",)):
        print(f"warning: {collision}", flush=True)
    # A package's own file of such a name is nothing that a profile could be without.
    _write(f"{root}/manifest", manifest)
    lines = [HEADER]
    for variable, separator, values in settings_of(root, [PATH, *search_paths]):
        shown = ["${LARIX_PROFILE:-" + root + "}" + _in_double_quotes(each[len(root) :]) for each in values]
        lines.append(shell_setting(variable, separator, shown) + "\n")
    _write(f"{root}/etc/profile", "".join(lines))


def settings_of(
    root: str, search_paths: Iterable[SearchPathFields]
) -> Iterator[tuple[str, str | None, list[str]]]:
    """Variable, separator and places below `root`, of those search paths that have any there."""
    for variable, files, separator, kind, pattern in search_paths:
        values = search_path_values(root, files, kind=kind, pattern=pattern)
        if values:
            yield variable, separator, values


def search_path_values(
    root: str, files: Iterable[str], *, kind: str, pattern: str | None = None
) -> list[str]:
    """What there is of `files` below `root`, of this kind; with a pattern, what is below them and matches."""
    is_wanted = os.path.isdir if kind == "directory" else os.path.isfile
    places = [f"{root}/{name}" if name else root for name in files]
    if pattern is not None:
        places = [
            found for each in places for found in _below(each) if re.search(pattern, os.path.basename(found))
        ]
    return [each for each in places if is_wanted(each)]


def shell_setting(variable: str, separator: str | None, values: Sequence[str]) -> str:
    """One line of shell. `values` stand in double quotes as they are; before them goes what was set before."""
    if separator is None:
        return f'export {variable}="{values[0]}"'
    return f'export {variable}="{separator.join(values)}${{{variable}:+{separator}}}${variable}"'


def _below(folder: str) -> Iterator[str]:
    for directory, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted([*folders, *names]):
            yield f"{directory}/{name}"


def _in_double_quotes(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)


def _write(file: str, text: str) -> None:
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)
