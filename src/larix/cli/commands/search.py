"""`larix search REGEXP...`: the same as `larix package -s REGEXP...`."""

from __future__ import annotations

from larix.cli.building import LOAD_PATH
from larix.cli.options import Grammar, Option, UsageError, parse
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "search for packages"
GRAMMAR = Grammar(
    "search",
    "search [OPTION]... REGEXP...",
    "Search the packages whose names, synopses or descriptions match all REGEXPs.",
    (("", (LOAD_PATH, Option("json", help="print JSON"))),),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if not line.operands:
        raise UsageError(tr("missing arguments: no regular expressions to search for"))
    from larix.cli import records
    from larix.cli.catalogues import open_catalogue, package_folders

    catalogue = open_catalogue(package_folders(line.values("load-path")))
    records.search(catalogue, line.operands, as_json=line.has("json"))
    return 0
