"""What a profile hides since several of its entries have it, told to who makes or enters the profile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.formats.storepath import StorePath, name_part
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["tell_collisions"]

_NOTE = "etc/collisions.json"
_MOST_ROWS = 6
_CACHES = frozenset({"gschemas.compiled", "icon-theme.cache", "ld.so.cache"})  # each package has its own


def tell_collisions(profile: str) -> None:
    """Warn of the files of which several entries have one, and the profile the first.

    Not so where it is a toolchain's: its programs are there for want of others.
    """
    if not os.path.lexists(f"{profile}/{_NOTE}"):  # nearly always, and then nothing is loaded
        return
    from larix.buildside.profile_collisions import noted_collisions
    from larix.cli.profiles import read_item_manifest
    from larix.profiles.development import PROGRAMS

    spared = {entry.path for entry in read_item_manifest(profile).entries if entry.name == PROGRAMS}
    rows: list[str] = []
    for file, chosen, others in noted_collisions(profile):
        first, *rest = (each.removesuffix(f"/{file}") for each in (chosen, *others))
        hidden = [each for each in rest if each not in spared]
        if hidden and os.path.basename(file) not in _CACHES:
            name, *names = _told_apart([first, *hidden])
            rows.append(
                tr("`{file}' is that of {name}, not {others}", file=file, name=name, others=", ".join(names))
            )
    if not rows:
        return
    heading = plural(
        "{number} file is in several packages, and the profile has one of them:",
        "{number} files are in several packages, and the profile has one of each:",
        len(rows),
    )
    shown = rows if len(rows) <= _MOST_ROWS + 1 else rows[:_MOST_ROWS]
    lines = [heading, *(f"  {row}" for row in shown)]
    if len(shown) < len(rows):
        lines.append("  " + plural("and {number} more", "and {number} more", len(rows) - len(shown)))
    diagnostics.warning("\n".join(lines))


def _told_apart(items: Sequence[str]) -> list[str]:
    """Names and versions, or if these do not tell the items apart, their store paths."""
    names = [name_part(StorePath(item)) for item in items]
    return names if len(set(names)) == len(items) else list(items)
