"""`larix run PACKAGE [ARG...]`: build a package if need be, and become its program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli.building import BUILD_OPTIONS, LOAD_PATH, build_options, realise, work_for
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.session import Session

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "run a program of a package, building it first if need be"
VERBOSITY = 1

OPTIONS = (
    Option("program", argument="NAME", help="run the program NAME of the package"),
    Option("expression", "e", "EXPR", "run the package that the Python expression EXPR gives"),
    Option("file", "f", "FILE", "run the package that the Python file FILE gives"),
    Option("profile", "p", "PROFILE", "run a program of PROFILE; the operand is the program's name"),
)
GRAMMAR = Grammar(
    "run",
    "run [OPTION]... PACKAGE [ARG]...",
    "Run the program of PACKAGE with ARGs, building it first if need be.",
    (("", OPTIONS), ("Building:", (LOAD_PATH, *BUILD_OPTIONS)), ("", TRANSFORMATIONS)),
    command_after_operand=True,
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    chosen_transformations(line)
    given = list(line.operands) + (line.program or [])
    from larix.cli.session import open_session

    options = build_options(line, default_verbosity=VERBOSITY)
    session = open_session(verbosity=options.verbosity)
    if line.has("profile"):
        return _run_from_profile(session, line, given)
    return _run_package(session, line, given)


def _run_from_profile(session: Session, line: CommandLine, given: list[str]) -> int:
    from larix.cli.profiles import named_profile
    from larix.cli.running import environment_with, run_program

    if not given:
        raise UsageError(tr("missing argument: no program to run"))
    profile = named_profile(session, line.last("profile") or "")
    profile.require()
    item = profile.current_item()
    environment = environment_with([item] if item else [], profile.current().search_paths())
    return run_program(given[0], given[1:], environment)


def _run_package(session: Session, line: CommandLine, given: list[str]) -> int:
    from larix.cli.running import environment_with, run_program
    from larix.cli.wanted import Wanted
    from larix.derivation import Lowered
    from larix.profiles.manifest import Manifest
    from larix.protocol import BuildTarget

    wanted = Wanted(session, line.values("load-path"), chosen_transformations(line))
    if line.has("expression"):
        entry = wanted.entries("install-from-expression", line.last("expression") or "")[-1]
    elif line.has("file"):
        entry = wanted.entries("install-from-file", line.last("file") or "")[-1]
    elif given:
        (entry,), given = wanted.entries("install", given[0]), given[1:]
    else:
        raise UsageError(tr("missing argument: no package to run"))
    wanted.check()
    if not line.has("no-grafts"):
        (entry,), _ = wanted.grafted([entry], build_options(line, default_verbosity=VERBOSITY), dry_run=False)
    manifest = Manifest((entry,))
    paths = {each.path for each in manifest.transitive()}
    origins = [(item.origin, item.output or "out") for path, item in wanted.items.items() if path in paths]
    lowered = [(origin, name) for origin, name in origins if isinstance(origin, Lowered)]
    session.store.instantiate([origin for origin, _ in lowered])
    targets = [BuildTarget(origin.path, (name,)) for origin, name in lowered]
    work = work_for(session, targets)
    if len(work):
        realise(session, targets, build_options(line, default_verbosity=VERBOSITY), work)
    items = [each.path for each in manifest.transitive()]
    environment = environment_with(items, manifest.search_paths())
    program = line.last("program") or _program_of(entry.path, entry.name)
    file = f"{entry.path}/bin/{program}"
    return run_program(file if os.path.exists(file) else program, given, environment)


def _program_of(item: str, name: str) -> str:
    """The program called like the package, else the only one that it has."""
    folder = f"{item}/bin"
    programs = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    if name in programs:
        return name
    if len(programs) == 1:
        return programs[0]
    if not programs:
        raise UsageError(tr("package '{name}' has no programs", name=name))
    raise UsageError(
        tr("package '{name}' has no program of its own name", name=name),
        hint=tr("Choose one with `--program': {programs}", programs=", ".join(programs)),
    )
