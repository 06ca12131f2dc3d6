"""`larix help [COMMAND]`: the same text as `larix [COMMAND] --help`."""

from __future__ import annotations

from larix.cli import diagnostics, registry
from larix.cli.options import Grammar, UsageError, parse
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "describe larix, or one of its commands"


def main(arguments: list[str]) -> int:
    grammar = Grammar("help", "help [COMMAND]", "Describe larix, or COMMAND.", ())
    line = parse(grammar, arguments)
    if len(line.operands) > 1:
        raise UsageError(tr("{operands}: extraneous argument", operands=line.operands[1]))
    if not line.operands:
        print(registry.overview())
        return 0
    name = line.operands[0]
    module = registry.find(name)
    diagnostics.set_command(name)
    return int(module.main(["--help"]))
