"""Finding and running commands.

A module in `commands/`, or in a folder of `LARIX_EXTENSIONS_PATH`, is a command.

A command module offers
    CATEGORY    "main", "software development", "packaging" or "plumbing"; "internal" hides it
    SYNOPSIS    one line for `larix --help`
    main(arguments: list[str]) -> int
`time_machine.py` is the command `time-machine`.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from larix.cli import commands, diagnostics
from larix.cli.options import BUG_REPORTS, Answered, Grammar, UsageError, filled, help_width
from larix.errors import LarixError
from larix.words import mark, tr

__all__ = [
    "CommandNotFound",
    "ExtensionBroken",
    "all_names",
    "by_category",
    "command_names",
    "find",
    "grammar_of",
    "overview",
    "run",
    "synopses",
]

CATEGORIES = {
    "main": mark("main commands"),
    "software development": mark("software development commands"),
    "packaging": mark("packaging commands"),
    "plumbing": mark("plumbing commands"),
    "extension": mark("extension commands"),
}
USAGE = mark("Usage: larix OPTION | COMMAND ARGS...")
TRY_HELP = mark("Try `larix --help' for more information.")


class CommandNotFound(LarixError):
    """No command of this name."""

    def __init__(self, name: str, choices: list[str]) -> None:
        super().__init__(
            tr("{name}: command not found", name=name), hint=diagnostics.did_you_mean(name, choices)
        )


class ExtensionBroken(LarixError):
    """A module on `LARIX_EXTENSIONS_PATH` cannot be used; its author has to mend it."""


def command_names() -> list[str]:
    return sorted(_listed(commands.__path__[0]))


def _listed(folder: str) -> dict[str, str]:
    """Command names of a folder, each with its module's file."""
    try:
        files = os.listdir(folder)
    except OSError:
        return {}
    return {
        file[:-3].replace("_", "-"): os.path.join(folder, file)
        for file in files
        if file.endswith(".py") and not file.startswith("_")
    }


def _extensions() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in os.environ.get("LARIX_EXTENSIONS_PATH", "").split(":"):
        if folder:
            for name, file in _listed(folder).items():
                found.setdefault(name, file)
    return found


def _load(name: str) -> ModuleType:
    from importlib import import_module

    return import_module(f"larix.cli.commands.{name.replace('-', '_')}")


def _load_extension(name: str, file: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"larix_extension_{name.replace('-', '_')}", file)
    if spec is None or spec.loader is None:
        raise ExtensionBroken(tr("cannot load the extension `{file}'", file=file))
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ExtensionBroken(
            tr(
                "the extension `{file}' failed to load: {kind}: {error}",
                file=file,
                kind=type(error).__name__,
                error=error,
            )
        ) from error
    if not callable(getattr(module, "main", None)):
        raise ExtensionBroken(tr("the extension `{file}' has no function `main'", file=file))
    return module


def run(arguments: list[str]) -> int:
    if not arguments:
        diagnostics.say(f"{tr(USAGE)}\n{tr('hint:')} {tr(TRY_HELP)}")
        return 1
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(overview())
        return 0
    if name.startswith("-"):
        close = diagnostics.did_you_mean(name, ("--help", "--version"))
        raise UsageError(tr("{name}: unrecognized option", name=name), hint=_lines(close, tr(TRY_HELP)))
    try:
        module = find(name)
    except CommandNotFound as error:
        diagnostics.say(f"larix: {error.message}")
        if error.hint:
            diagnostics.show_hint(error.hint)
        diagnostics.say(tr(TRY_HELP))
        return 1
    diagnostics.set_command(name)
    try:
        return int(module.main(rest))
    except Answered as answer:
        print(answer.text)
        return 0


def find(name: str) -> Any:
    """The module of a command; the commands of larix win over extensions."""
    names = command_names()
    if name in names:
        return _load(name)
    extensions = _extensions()
    if name in extensions:
        return _load_extension(name, extensions[name])
    raise CommandNotFound(name, [*names, *extensions])


def grammar_of(name: str) -> Grammar | None:
    """What the line of a command may hold; None if it is not there, or an extension that does not tell.

    An extension tells it by a constant GRAMMAR: to run it for its help could do anything.
    """
    try:
        module = find(name)
    except LarixError:
        return None
    if name not in command_names():
        return getattr(module, "GRAMMAR", None)
    try:
        module.main(["--help"])
    except Answered as answer:
        return answer.grammar
    return None


def all_names() -> list[str]:
    return sorted({*command_names(), *_extensions()})


def synopses() -> list[tuple[str, str]]:
    """Those of `by_category`, one after the other."""
    return [row for rows in by_category().values() for row in rows]


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)


def by_category() -> dict[str, list[tuple[str, str]]]:
    """The commands that are no secret, with what they are for."""
    rows: dict[str, list[tuple[str, str]]] = {category: [] for category in CATEGORIES}
    for name in command_names():
        module: Any = _load(name)
        if module.CATEGORY != "internal":
            rows[module.CATEGORY].append((name, module.SYNOPSIS))
    for name, file in sorted(_extensions().items()):
        try:
            extension: Any = _load_extension(name, file)
        except ExtensionBroken as error:
            diagnostics.warning(error.message)
            continue
        rows["extension"].append((name, getattr(extension, "SYNOPSIS", "")))
    return rows


def overview() -> str:
    """The text of `larix --help`: all commands by category."""
    lines = [
        tr(USAGE),
        tr("Run COMMAND with ARGS."),
        "",
        f"  -h, --help      {tr('show this help and exit')}",
    ]
    lines += [f"  -V, --version   {tr('show version information and exit')}", "", tr("COMMAND is one of:")]
    for category, commands_in_it in by_category().items():
        if commands_in_it:
            lines += ["", f"  {tr(CATEGORIES[category])}"]
        for name, synopsis in commands_in_it:
            first, *more = filled(tr(synopsis), help_width() - 18)
            lines += [f"    {name:<13} {first}", *(" " * 18 + each for each in more)]
    lines += ["", tr(BUG_REPORTS)]
    return "\n".join(lines)
