"""`larix shell PACKAGE... [-- COMMAND]`: a shell, or one command, that finds the packages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import BUILD_OPTIONS, LOAD_PATH, build_options, realise, work_for
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.session import Session
    from larix.packages.search_paths import SearchPath

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "software development"
SYNOPSIS = "run a shell or a command with packages at hand"
VERBOSITY = 1

OPTIONS = (
    Option("expression", "e", "EXPR", "add the package that the Python expression EXPR gives"),
    Option("file", "f", "FILE", "add the package that the Python file FILE gives"),
    Option("profile", "p", "PROFILE", "use the packages of PROFILE"),
    Option("pure", help="clear the other variables of the environment"),
    Option("preserve", "E", "REGEXP", "but keep those that match"),
    Option("search-paths", help="print the settings, start nothing"),
)
GRAMMAR = Grammar(
    "shell",
    "shell [OPTION]... [PACKAGE]... [-- COMMAND...]",
    "Start a shell, or run COMMAND, in an environment that has the PACKAGEs.",
    (("", OPTIONS), ("Building:", (LOAD_PATH, *BUILD_OPTIONS)), ("", TRANSFORMATIONS)),
    command_after_dashes=True,
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    chosen_transformations(line)
    if line.has("profile") and any(token.name in ("", "expression", "file") for token in line.tokens):
        raise UsageError(tr("'--profile' cannot be used with package options"))
    from larix.cli.options import compile_expression
    from larix.cli.running import environment_with, run_program
    from larix.cli.session import open_session

    session = open_session(verbosity=build_options(line, default_verbosity=VERBOSITY).verbosity)
    item, search_paths = _existing(session, line) if line.has("profile") else _made(session, line)
    if line.has("search-paths"):
        _print_settings(item, search_paths)
        return 0
    preserve = [compile_expression(text) for text in line.values("preserve")]
    environment = environment_with([item], search_paths, pure=line.has("pure"), preserve=preserve)
    environment["LARIX_ENVIRONMENT"] = item
    command = line.program or [os.environ.get("SHELL") or "/bin/sh"]
    return run_program(command[0], command[1:], environment)


def _existing(session: Session, line: CommandLine) -> tuple[str, list[SearchPath]]:
    from larix.cli.profiles import NoSuchProfile, named_profile
    from larix.profiles import generation

    profile = named_profile(session, line.last("profile") or "")
    profile.require()
    item = profile.item(generation.current_generation(profile.file))
    if item is None:
        raise NoSuchProfile(tr("profile '{shown}' leads nowhere", shown=profile.shown))
    return item, profile.current().search_paths()


def _made(session: Session, line: CommandLine) -> tuple[str, list[SearchPath]]:
    """A profile that no generation keeps: its collector root is the environment of who uses it."""
    from larix.cli.changing import instantiate_profile
    from larix.cli.wanted import Wanted
    from larix.profiles.manifest import Manifest
    from larix.profiles.transaction import check_collisions

    wanted = Wanted(session, line.values("load-path"), chosen_transformations(line))
    kinds = {"": "install", "expression": "install-from-expression", "file": "install-from-file"}
    entries = {
        entry.key: entry
        for token in line.tokens
        if token.name in kinds and token.value is not None
        for entry in wanted.entries(kinds[token.name], token.value)
    }
    if not entries:
        diagnostics.warning(tr("no packages specified; creating an empty environment"))
    wanted.check()
    made = list(entries.values())
    if not line.has("no-grafts"):
        made, _ = wanted.grafted(made, build_options(line, default_verbosity=VERBOSITY), dry_run=False)
    manifest = Manifest(tuple(made))
    check_collisions(manifest)
    item, targets = instantiate_profile(session, manifest, wanted)
    work = work_for(session, targets)
    if len(work):
        realise(session, targets, build_options(line, default_verbosity=VERBOSITY), work)
    return item, manifest.search_paths()


def _print_settings(item: str, search_paths: list[SearchPath]) -> None:
    from larix.buildside.profile_tree import PATH, settings_of, shell_setting

    for variable, separator, places in settings_of(item, [PATH, *search_paths]):
        print(shell_setting(variable, separator, places))
