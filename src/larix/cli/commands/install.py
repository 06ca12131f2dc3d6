"""`larix install PACKAGE...`: the same as `larix package -i PACKAGE...`."""

from __future__ import annotations

from larix.cli.aliases import change
from larix.words import mark

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "install packages"


def main(arguments: list[str]) -> int:
    return change(
        "install", mark("install [OPTION]... PACKAGE..."), mark("Install PACKAGEs into a profile."), arguments
    )
