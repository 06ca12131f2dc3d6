"""`larix upgrade [REGEXP...]`: the same as `larix package -u [REGEXP...]`."""

from __future__ import annotations

from larix.cli.aliases import change
from larix.words import mark

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "upgrade packages to the catalogue's versions"


def main(arguments: list[str]) -> int:
    summary = mark("Upgrade the packages of a profile, all or those that match a REGEXP.")
    return change("upgrade", mark("upgrade [OPTION]... [REGEXP...]"), summary, arguments)
