"""`larix shell PACKAGE... [-- COMMAND]`: a shell, or one command, that finds the packages."""

from __future__ import annotations

from larix.cli.environments import COMMON_GROUPS, FILE, SETTINGS, Wish, enter
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "software development"
SYNOPSIS = "run a shell or a command with packages at hand"

OPTIONS = (
    Option("development", "D", help="use what the build of the next package needs, instead of it"),
    FILE,
    *SETTINGS,
    Option("export-manifest", help="print a manifest that gives the same environment"),
)
GRAMMAR = Grammar(
    "shell",
    "shell [OPTION]... [PACKAGE]... [-- COMMAND...]",
    "Start a shell, or run COMMAND, in an environment that has the PACKAGEs.",
    (("", OPTIONS), *COMMON_GROUPS),
    command_after_dashes=True,
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    wishes = wanted(line)
    if line.has("export-manifest"):
        from larix.cli.environment_manifest import print_manifest

        return print_manifest(line, wishes)
    if not wishes and line.program is None and not line.has("profile"):
        from larix.cli.discovery import discovered_wish

        found = discovered_wish()
        wishes = [found] if found is not None else []
    return enter(line, wishes)


def wanted(line: CommandLine) -> list[Wish]:
    """What the line asks for, in its order; `-D` holds for what comes next."""
    wishes: list[Wish] = []
    development = False
    for token in line.tokens:
        if token.name == "development":
            development = True
            continue
        wish = Wish.of_token(token.name, token.value, development=development)
        if wish is not None:
            wishes.append(wish)
            development = False
    if development:
        raise UsageError(tr("--development: no package follows"))
    return wishes
