"""`larix remove PACKAGE...`: the same as `larix package -r PACKAGE...`."""

from __future__ import annotations

from larix.cli.aliases import change

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "remove installed packages"


def main(arguments: list[str]) -> int:
    return change("remove", "PACKAGE...", "Remove PACKAGEs from a profile.", arguments)
