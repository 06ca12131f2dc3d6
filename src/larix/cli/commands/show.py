"""`larix show PACKAGE...`: the same as `larix package --show=PACKAGE`."""

from __future__ import annotations

from larix.cli.building import LOAD_PATH
from larix.cli.options import Grammar, Option, UsageError, parse
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "show details about packages"
GRAMMAR = Grammar(
    "show",
    "show [OPTION]... PACKAGE...",
    "Show details about PACKAGEs.",
    (("", (LOAD_PATH, Option("json", help="print JSON"))),),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if not line.operands:
        raise UsageError(tr("missing arguments: no package to show"))
    from larix.cli import records
    from larix.cli.catalogues import open_catalogue, package_folders

    catalogue = open_catalogue(package_folders(line.values("load-path")))
    records.show(catalogue, line.operands, as_json=line.has("json"))
    return 0
