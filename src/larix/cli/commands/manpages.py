"""`larix manpages FOLDER`: the manual pages of all commands, as files for `man`."""

from __future__ import annotations

import os

from larix.cli.options import Grammar, UsageError, parse
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "plumbing"
SYNOPSIS = "write the manual pages of larix"
GRAMMAR = Grammar(
    "manpages",
    "manpages FOLDER",
    "Write a manual page for larix and one for each of its commands into FOLDER, which is made if need be,\n"
    "and print the names of the files. `man -l FILE' shows one.",
    (),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if not line.operands:
        raise UsageError(tr("missing argument: no folder given"))
    if len(line.operands) > 1:
        raise UsageError(tr("{operands}: extraneous argument", operands=line.operands[1]))
    from larix.cli.manual import pages

    folder = line.operands[0]
    os.makedirs(folder, exist_ok=True)
    for name, text in pages():
        file = os.path.join(folder, name)
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(text)
        print(file)
    return 0
