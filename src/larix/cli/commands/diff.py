"""`larix diff ONE OTHER`: what differs between generations of a profile, profiles, packages or items."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.session import Session

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "tell what differs between generations, profiles or items"
OPTIONS = (
    Option("profile", "p", "PROFILE", "compare generations of PROFILE"),
    Option("files", help="compare the contents of two items, file by file"),
    Option("system", "s", "SYSTEM", "consider packages as on SYSTEM"),
    LOAD_PATH,
    Option("json", help="print JSON"),
)
GRAMMAR = Grammar(
    "diff",
    "diff [OPTION]... ONE [OTHER]",
    "Tell what differs from ONE to OTHER in packages and in all that is referred to: numbers or tags of\n"
    "generations, or else profiles, items of the store, or packages that were built.",
    (("", OPTIONS),),
)
_NUMBER = re.compile(r"[+-]?[0-9]+")


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.cli.session import open_session

    with closing(open_session()) as session:
        if line.has("profile") or all(map(_NUMBER.fullmatch, line.operands)):
            return _generations(session, line)
        if len(line.operands) != 2:
            raise UsageError(tr("two arguments are needed: what to compare, and what with"))
        return _items(session, line)


def _generations(session: Session, line: CommandLine) -> int:
    from larix.cli.differences import print_difference
    from larix.cli.profiles import default_profile, named_profile

    name = line.last("profile")
    profile = default_profile(session) if name is None else named_profile(session, name)
    return print_difference(profile, line.operands, as_json=line.has("json"))


def _items(session: Session, line: CommandLine) -> int:
    from larix.cli.differences import print_differences, side_of_item
    from larix.cli.items import Items

    items = Items(session, line)
    paths = [items.find(text, all_outputs=False)[0] for text in line.operands]
    if line.has("files"):
        return _files(paths[0], paths[1], as_json=line.has("json"))
    first, second = (
        side_of_item(session, path, text) for path, text in zip(paths, line.operands, strict=True)
    )
    return print_differences(
        first, second, f"{first.name} → {second.name}", "compared", as_json=line.has("json")
    )


def _files(first: str, second: str, *, as_json: bool) -> int:
    from larix.builder.treediff import differing_files

    found = differing_files(first, second)
    if as_json:
        from larix.cli.tables import print_json

        print_json(files=found)
        return 0
    for each in found:
        print(each)
    return 0
