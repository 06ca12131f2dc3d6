"""`larix import IMPORTER NAME`: print a definition made from what an index says of a package."""

# ruff: noqa: N999 - the command is called so

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.upstream.importing import Importer

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "import a package definition from an external repository"
GRAMMAR = Grammar(
    "import",
    "import [OPTION]... IMPORTER NAME[@VERSION]",
    "Print a definition of the package that IMPORTER's index calls NAME.\n"
    "IMPORTER is pypi (Python projects) or debian (source packages of Debian).",
    (
        (
            "",
            (
                Option(
                    "insert",
                    "i",
                    argument="FILE",
                    help="add the definitions to FILE instead of printing them",
                ),
                Option("recursive", "r", help="also import what the package needs and the catalogue lacks"),
                LOAD_PATH,
            ),
        ),
    ),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.upstream.importing import Context, all_importers

    importer, name, version = _wanted(line.operands, all_importers())
    if line.has("recursive") and not importer.recurses:
        raise UsageError(tr("`{importer}' imports one package at a time", importer=importer.name))
    from larix.cli.downloading import progress_shown
    from larix.cli.evaluation import Evaluation
    from larix.upstream.drafts import print_drafts
    from larix.upstream.known import Known
    from larix.upstream.web import Web

    known = Known(Evaluation(line.values("load-path")).catalogue)
    with progress_shown(verbosity=1) as tell:
        context = Context(Web(progress=tell), known, _say, recursive=line.has("recursive"))
        drafts = importer.drafts(name, version, context)
    file = line.last("insert")
    if file is None:
        print(print_drafts(drafts), end="")
        return 0
    from larix.upstream.inserting import insert_drafts

    insert_drafts(file, drafts)
    for draft in drafts:
        diagnostics.say(tr("{file}: added {name}", file=file, name=draft.name))
    return 0


def _say(name: str) -> None:
    diagnostics.say(tr("importing {name}...", name=name))


def _wanted(operands: list[str], known: Mapping[str, Importer]) -> tuple[Importer, str, str | None]:
    names = ", ".join(known)
    if not operands:
        raise UsageError(tr("missing importer name"), hint=tr("there are {names}", names=names))
    importer = known.get(operands[0])
    if importer is None:
        hint = diagnostics.did_you_mean(operands[0], known) or tr("there are {names}", names=names)
        raise UsageError(tr("{operands}: invalid importer", operands=operands[0]), hint=hint)
    if len(operands) < 2:
        raise UsageError(tr("`{importer}' wants the name of a package", importer=importer.name))
    if len(operands) > 2:
        raise UsageError(tr("{operands}: extraneous argument", operands=operands[2]))
    name, at, version = operands[1].partition("@")
    if not name or (at and not version):
        raise UsageError(tr("`{operands}' is not of the form NAME or NAME@VERSION", operands=operands[1]))
    return importer, name, version or None
