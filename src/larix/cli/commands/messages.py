"""`larix messages`: the texts of a catalogue for translators, as a file of gettext's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli.building import LOAD_PATH
from larix.cli.options import Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.packages.translation import Message

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "print the texts of package folders for translators"
GRAMMAR = Grammar(
    "messages",
    "messages [OPTION]... [FOLDER]...",
    "Print the synopses and descriptions of the packages of FOLDERs (default: all of the catalogue),\n"
    "and the texts that their modules mark, as a template for translators. Their files, such as fr.po,\n"
    "are read from anywhere below the folders.",
    (
        (
            "",
            (
                LOAD_PATH,
                Option("merge", "m", "FILE", "fill in the translations of FILE, such as fr.po"),
            ),
        ),
    ),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.cli.catalogues import open_catalogue, package_folders
    from larix.packages.translation import read_messages, template

    given = [os.path.abspath(each) for each in line.operands]
    for each in given:
        if not os.path.isdir(each):
            raise UsageError(tr("'{folder}' is no folder", folder=each))
    catalogue = open_catalogue(package_folders([*given, *line.values("load-path")]))
    tops = given or list(catalogue.tops)
    entries = [each for each in catalogue.entries if _below(each.location.file, tops)]
    merged = line.last("merge")
    lines = template(
        entries,
        more=_marked(tops),
        known=read_messages(merged) if merged is not None else None,
        language=os.path.basename(merged).removesuffix(".po") if merged is not None else "",
        top=tops[0] if len(tops) == 1 else "",
    )
    print("\n".join(lines))
    return 0


def _below(file: str, tops: list[str]) -> bool:
    return any(file.startswith(f"{top}/") for top in tops)


def _marked(tops: list[str]) -> Iterator[Message]:
    """What the modules mark; those that cannot be read were told when the catalogue was."""
    from larix.packages.translation import marked

    for top in tops:
        for directory, folders, files in os.walk(top):
            folders.sort()
            for name in sorted(each for each in files if each.endswith(".py")):
                file = os.path.join(directory, name)
                try:
                    with open(file, encoding="utf-8") as stream:
                        yield from marked(file, stream.read())
                except (OSError, ValueError, SyntaxError):
                    continue
