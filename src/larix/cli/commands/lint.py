"""`larix lint PACKAGE...`: tell what is wrong with definitions, a line for each thing."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from larix.cli.evaluation import Evaluation
    from larix.lint.running import Checker
    from larix.lint.subject import Finding
    from larix.packages.package import Package

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "validate package definitions"
OPTIONS = (
    Option("checkers", "c", "CHECKER,...", "run these checkers alone"),
    Option("exclude", "x", "CHECKER,...", "leave these checkers out"),
    Option("list-checkers", "l", help="list the checkers"),
    Option("no-network", "n", help="leave out checkers that need the network"),
    Option("expression", "e", "EXPR", "check the package that the Python expression EXPR gives"),
    Option("file", "f", "FILE", "check the package that the Python file FILE gives"),
    LOAD_PATH,
    Option("strict", help="end with status 1 when something is found"),
    Option("json", help="print JSON"),
)
GRAMMAR = Grammar(
    "lint",
    "lint [OPTION]... [PACKAGE]...",
    "Check the definitions of PACKAGEs, or of all packages, and print what is wrong with them.",
    (("", OPTIONS),),
)


class Row(NamedTuple):
    package: Package
    checker: Checker
    finding: Finding


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.lint.running import all_checkers, findings_of

    known = all_checkers()
    if line.has("list-checkers"):
        return _list(known, as_json=line.has("json"))
    chosen = _chosen(line, known)
    from larix.cli.evaluation import Evaluation
    from larix.lint.subject import Subject
    from larix.upstream.web import Web

    evaluation = Evaluation(line.values("load-path"))
    web = Web()
    found: list[Row] = []
    for package in _packages(line, evaluation):
        subject = Subject(package, lower=evaluation.lowering.lower, web=web)
        with _shown_progress(package.full_name) as tell:
            rows: list[Row] = []
            for checker in chosen:
                tell(checker.name)
                rows += [Row(package, checker, each) for each in findings_of(subject, checker)]
        rows.sort(key=lambda row: (row.finding.place.file, row.finding.place.line))
        if not line.has("json"):
            for row in rows:
                place = diagnostics.shown_place(row.finding.place)
                print(f"{place}: {package.full_name}: {row.finding.message}")
        found += rows
    if line.has("json"):
        _print_json(found)
    return 1 if line.has("strict") and found else 0


def _list(known: list[Checker], *, as_json: bool) -> int:
    if as_json:
        from larix.cli.tables import print_json

        print_json(
            checkers=[
                {"name": each.name, "description": each.description, "network": each.needs_network}
                for each in known
            ]
        )
        return 0
    print(tr("Available checkers:"))
    for each in known:
        print(f"- {each.name}: {tr(each.description)}")
    return 0


def _chosen(line: CommandLine, known: list[Checker]) -> list[Checker]:
    """The checkers of the command line; those that are named run even without network."""
    wanted, excluded = _names(line, "checkers", known), _names(line, "exclude", known)
    return [
        each
        for each in known
        if (each.name in wanted if wanted else not (each.needs_network and line.has("no-network")))
        and each.name not in excluded
    ]


def _names(line: CommandLine, option: str, known: list[Checker]) -> set[str]:
    names = {name for text in line.values(option) for name in text.split(",") if name}
    all_names = [each.name for each in known]
    for name in sorted(names.difference(all_names)):
        hint = diagnostics.did_you_mean(name, all_names) or tr("`larix lint -l' lists the checkers")
        raise UsageError(tr("{name}: invalid checker", name=name), hint=hint)
    return names


def _packages(line: CommandLine, evaluation: Evaluation) -> Iterator[Package]:
    """What the command line names, else the whole catalogue."""
    any_named = False
    for token in line.tokens:
        if token.value is None or token.name not in {"", "expression", "file"}:
            continue
        any_named = True
        if token.name == "":
            yield evaluation.find(token.value).package
        elif token.name == "file":
            yield from (each.package for each in evaluation.packages_of_file(token.value))
        else:
            yield from (each.package for each in evaluation.packages_of_expression(token.value))
    if not any_named:
        for entry in evaluation.catalogue.entries:
            yield evaluation.catalogue.load(entry)


@contextmanager
def _shown_progress(name: str) -> Generator[Callable[[str], None]]:
    """What is being checked, on a line of a terminal that is wiped again."""
    terminal = sys.stderr
    if terminal is None or not terminal.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        yield lambda _: None
        return

    def tell(checker: str) -> None:
        terminal.write("\r\x1b[K" + tr("checking {name} [{checker}]...", name=name, checker=checker))
        terminal.flush()

    try:
        yield tell
    finally:
        terminal.write("\r\x1b[K")
        terminal.flush()


def _print_json(found: list[Row]) -> None:
    from larix.cli.tables import print_json

    print_json(
        findings=[
            {
                "file": row.finding.place.file,
                "line": row.finding.place.line,
                "column": row.finding.place.column,
                "name": row.package.name,
                "package_version": row.package.version,
                "checker": row.checker.name,
                "message": row.finding.message,
            }
            for row in found
        ]
    )
