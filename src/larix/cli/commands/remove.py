"""`larix remove PACKAGE...`: the same as `larix package -r PACKAGE...`."""

from __future__ import annotations

from larix.cli.aliases import change
from larix.words import mark

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "remove installed packages"


def main(arguments: list[str]) -> int:
    return change(
        "remove", mark("remove [OPTION]... PACKAGE..."), mark("Remove PACKAGEs from a profile."), arguments
    )
