"""What several entries of a profile have and only one can show: noted in the profile, if there is any.

The note follows from the entries, as all of a profile does. So who makes a profile that is there already, and
sees no log of its making, is told as well.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from larix.buildside.union import Collision

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FILE", "note_collisions", "noted_collisions"]

FILE = "etc/collisions.json"


def note_collisions(root: str, collisions: Iterable[Collision]) -> None:
    """Note those that count: of what was made anew since, in a hook's index, nothing is hidden."""
    hidden = [each._asdict() for each in collisions if _is_link_to(f"{root}/{each.file}", each.chosen)]
    if not hidden:
        return
    if os.path.lexists(f"{root}/{FILE}"):
        os.unlink(f"{root}/{FILE}")
    with open(f"{root}/{FILE}", "w", encoding="utf-8") as stream:
        stream.write(json.dumps(hidden, indent=1) + "\n")


def noted_collisions(root: str) -> list[Collision]:
    """What `note_collisions` noted; a file of a package that is called so is no note."""
    file = f"{root}/{FILE}"
    if os.path.islink(file) or not os.path.exists(file):
        return []
    with open(file, encoding="utf-8") as stream:
        noted: list[dict[str, Any]] = json.load(stream)
    return [Collision(each["file"], each["chosen"], tuple(each["others"])) for each in noted]


def _is_link_to(file: str, target: str) -> bool:
    return os.path.islink(file) and os.readlink(file) == target
