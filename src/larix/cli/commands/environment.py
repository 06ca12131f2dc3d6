"""`larix environment PACKAGE... [--ad-hoc PACKAGE...] [-- COMMAND]`: what is needed to work on packages.

The older form of `larix shell -D`, in which many instructions and scripts are written.
"""

from __future__ import annotations

from larix.cli.environments import COMMON_GROUPS, SETTINGS, Wish, enter
from larix.cli.options import CommandLine, Grammar, Option, parse

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "software development"
SYNOPSIS = "run a shell or a command with what a package's build needs"

OPTIONS = (
    Option("ad-hoc", help="use the packages that follow themselves, not what their builds need"),
    Option("load", "l", "FILE", "use the package that the Python file FILE gives"),
    *SETTINGS,
)
GRAMMAR = Grammar(
    "environment",
    "environment [OPTION]... PACKAGE... [--ad-hoc PACKAGE...] [-- COMMAND...]",
    "Start a shell, or run COMMAND, in an environment that has what the builds of the PACKAGEs need.",
    (("", OPTIONS), *COMMON_GROUPS),
    command_after_dashes=True,
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    return enter(line, wanted(line))


def wanted(line: CommandLine) -> list[Wish]:
    """What the line asks for, in its order: inputs up to `--ad-hoc`, packages after it."""
    wishes: list[Wish] = []
    development = True
    for token in line.tokens:
        if token.name == "ad-hoc":
            development = False
            continue
        name = "file" if token.name == "load" else token.name
        wish = Wish.of_token(name, token.value, development=development)
        if wish is not None:
            wishes.append(wish)
    return wishes
