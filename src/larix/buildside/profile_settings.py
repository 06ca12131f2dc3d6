"""What a profile sets in shells: `etc/profile`, and the same as values for whoever sets them otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.buildside.environment import search_path_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    SearchPathFields: TypeAlias = tuple[str, Sequence[str], str | None, str, str | None]

__all__ = ["HEADER", "PATH", "in_double_quotes", "profile_file", "settings_of", "shell_setting"]

# Variable, files, separator (None: holds one place), kind, pattern.
PATH: SearchPathFields = ("PATH", ("bin", "sbin"), ":", "directory", None)

HEADER = """\
# Shell settings of this profile, for Bourne-like shells:
#   LARIX_PROFILE=/name/of/the/profile
#   . "$LARIX_PROFILE/etc/profile"
# LARIX_PROFILE is optional: with it the settings follow the profile through its generations, without it they
# stay with the one generation that this file is a part of.

"""


def profile_file(name: str, settings: Iterable[tuple[str, str | None, Sequence[str]]]) -> str:
    """The text of `etc/profile` of the profile `name`; values of settings are places below it."""
    lines = [HEADER]
    for variable, separator, below in settings:
        places = ["${LARIX_PROFILE:-" + name + "}" + in_double_quotes(each) for each in below]
        lines.append(shell_setting(variable, separator, places) + "\n")
    return "".join(lines)


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


def in_double_quotes(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)
