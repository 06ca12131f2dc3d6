"""The tree of a profile: its entries' union, what hooks make, `manifest`, and in `etc` shell settings."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from larix.buildside.environment import search_path_entries
from larix.buildside.profile_hooks import wanted_hooks
from larix.buildside.shell_settings import settings_files
from larix.buildside.union import union_build

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    SearchPathFields: TypeAlias = tuple[str, Sequence[str], str | None, str, str | None]

__all__ = ["PATH", "make_profile", "settings_of", "shell_setting"]

# Variable, files, separator (None: holds one place), kind, pattern.
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
    shown: str | None = None,
) -> None:
    """Make the profile `output` of the store items `entries`; of clashing files, the first entry's counts.

    `shown` is the name that `output` will have in the end.
    """
    root = os.fspath(output)
    name = root if shown is None else shown
    items = list(entries)
    hooks = wanted_hooks(items)
    for collision in union_build(root, items, directories=("etc", *(hook.folder for hook in hooks))):
        print(f"warning: {collision}", flush=True)
    for hook in hooks:
        print(f"building {hook.what}...", flush=True)
        hook.make(f"{root}/{hook.folder}")
    # A package's own file of such a name is nothing that a profile could be without.
    _write(f"{root}/manifest", manifest)
    lines = [HEADER]
    settings = [
        (variable, separator, [each[len(root) :] for each in values])
        for variable, separator, values in settings_of(root, [PATH, *search_paths])
    ]
    for variable, separator, below in settings:
        places = ["${LARIX_PROFILE:-" + name + "}" + _in_double_quotes(each) for each in below]
        lines.append(shell_setting(variable, separator, places) + "\n")
    _write(f"{root}/etc/profile", "".join(lines))
    for file, text in settings_files(name, settings, manifest).items():
        _write(f"{root}/etc/{file}", text)


def settings_of(
    root: str, search_paths: Iterable[SearchPathFields]
) -> Iterator[tuple[str, str | None, list[str]]]:
    """Variable, separator and places below `root`, of those search paths that have any there."""
    for variable, files, separator, kind, pattern in search_paths:
        values = search_path_entries([root], files, kind=kind, pattern=pattern)
        if values:
            yield variable, separator, values


def shell_setting(variable: str, separator: str | None, values: Sequence[str]) -> str:
    """One line of shell. `values` are put into double quotes as they are, before what was set until then."""
    if separator is None:
        return f'export {variable}="{values[0]}"'
    return f'export {variable}="{separator.join(values)}${{{variable}:+{separator}}}${variable}"'


def _in_double_quotes(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)


def _write(file: str, text: str) -> None:
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)
