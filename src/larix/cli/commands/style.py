"""`larix style [PACKAGE]...`: put definitions into the house's style, or show what that would change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

    from larix.cli.evaluation import Evaluation
    from larix.errors import Location
    from larix.packages.definition import SourceText
    from larix.packages.package import Package

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "adjust the style of package definitions"
OPTIONS = (
    Option("styling", "S", "RULE,...", "follow these rules: format (default), arguments, inputs"),
    Option("list-stylings", "l", help="list the rules"),
    Option("dry-run", "n", help="show what would change, change nothing"),
    Option("whole-file", "f", help="all definitions in FILEs"),
    Option("input-simplification", argument="POLICY", help="silent (default), or always: sort anyway"),
    Option("expression", "e", "EXPR", "the package that the Python expression EXPR gives"),
    LOAD_PATH,
    Option("json", help="print JSON"),
)
GRAMMAR = Grammar(
    "style",
    "style [OPTION]... [PACKAGE]...\n       larix style [OPTION]... --whole-file FILE...",
    "Put the definitions of PACKAGEs, or of all packages, into the house's style. What they mean stays.",
    (("", OPTIONS),),
)


class Change(NamedTuple):
    """A file before and after, and where it was changed."""

    file: str
    before: bytes
    after: bytes
    places: tuple[Location, ...]


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.lint.styling import RULES

    if line.has("list-stylings"):
        if line.has("json"):
            from larix.cli.tables import print_json

            print_json(stylings=[{"name": each.name, "description": each.description} for each in RULES])
            return 0
        print(tr("Available styling rules:"))
        for each in RULES:
            print(f"- {each.name}: {tr(each.description)}")
        return 0
    rules = _chosen(line)
    policy = line.last("input-simplification") or "silent"
    if policy not in {"silent", "always"}:
        raise UsageError(
            tr("{policy}: unknown policy", policy=policy),
            hint=tr("there are {known}", known="silent, always"),
        )
    changes: list[Change] = []
    for stylist in _stylists(line):
        change = stylist.change(rules, may_rebuild=policy == "always")
        if change is None:
            continue
        changes.append(change)
        if not line.has("dry-run"):
            from larix.upstream.editing import replace_file

            replace_file(change.file, change.after)
        if not line.has("json"):
            print(_told(change, dry_run=line.has("dry-run")), end="")
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(
            files=[
                {"file": each.file, "places": [str(place) for place in each.places], "diff": _diff(each)}
                for each in changes
            ]
        )
    return 0


def _chosen(line: CommandLine) -> list[str]:
    from larix.lint.styling import RULES

    known = [each.name for each in RULES]
    names = [name for text in line.values("styling") for name in text.split(",") if name] or ["format"]
    for name in names:
        if name not in known:
            hint = diagnostics.did_you_mean(name, known) or tr("there are {known}", known=", ".join(known))
            raise UsageError(tr("{name}: unknown styling rule", name=name), hint=hint)
    return [each for each in known if each in names]


class Stylist:
    """Works on the definitions of one file; `wanted` are those, or all when it is None."""

    def __init__(self, file: str, evaluation: Evaluation, wanted: list[Location] | None) -> None:
        self._file = file
        self._evaluation = evaluation
        self._wanted = wanted

    def change(self, rules: Iterable[str], *, may_rebuild: bool) -> Change | None:
        from larix.lint.styling import restyled
        from larix.packages.definition import SourceText

        source = SourceText(self._file)
        before = source.data
        places: list[Location] = []
        # From the end, so that the places of those that are still to come stay.
        for number in range(len(self._calls(source)) - 1, -1, -1):
            for rule in rules:
                call = self._calls(source)[number]
                edit = restyled(source, call, [rule])
                if edit is None:
                    continue
                after = SourceText(self._file, source.edited([edit]))
                is_safe = rule == "format" or (rule == "inputs" and may_rebuild)
                if not is_safe and self._derivations(source.data) != self._derivations(after.data):
                    diagnostics.warning(
                        tr("`{rule}' would change how this is built, so it is left alone", rule=rule),
                        diagnostics.shown_place(source.place(call)),
                    )
                    continue
                places.insert(0, source.place(call))
                source = after
        unique = tuple(dict.fromkeys(places))
        return Change(self._file, before, source.data, unique) if source.data != before else None

    def _calls(self, source: SourceText) -> list[ast.Call]:
        """The definitions to work on, in their order; what is done to one moves none before it."""
        from larix.lint.styling import definitions_in

        if self._wanted is None:
            return definitions_in(source)
        found = [
            source.call_at(place) for place in sorted(self._wanted, key=lambda each: (each.line, each.column))
        ]
        return [call for call in found if call is not None]

    def _derivations(self, data: bytes) -> dict[str, str]:
        """Of the packages that the file would define, by name; it is tried out beside the real one."""
        import tempfile

        from larix.packages.modules import packages_of_file

        folder = os.path.dirname(self._file)
        with tempfile.NamedTemporaryFile(prefix=".larix-", suffix=".py", dir=folder) as stream:
            stream.write(data)
            stream.flush()
            return {name: self._derivation(package) for name, package in packages_of_file(stream.name)}

    def _derivation(self, package: Package) -> str:
        """Its name, or why there is none: that should stay as well."""
        from larix.packages.package import package_derivation

        try:
            return package_derivation(package, self._evaluation.lowering).path
        except LarixError as error:
            return error.message


def _stylists(line: CommandLine) -> Iterator[Stylist]:
    from larix.cli.evaluation import Evaluation

    evaluation = Evaluation(line.values("load-path"))
    if line.has("whole-file"):
        if not line.operands:
            raise UsageError(tr("no file to style"))
        for file in line.operands:
            if not os.path.isfile(file):
                raise UsageError(tr("'{file}': no such file", file=file))
            yield Stylist(os.path.abspath(file), evaluation, None)
        return
    places: dict[str, list[Location]] = {}
    for package in _packages(line, evaluation):
        wanted = places.setdefault(package.location.file, [])
        if package.location not in wanted:
            wanted.append(package.location)
    for file, wanted in sorted(places.items()):
        if os.path.isfile(file):
            yield Stylist(file, evaluation, wanted)
        else:
            diagnostics.warning(tr("'{file}' is no file that could be changed", file=file))


def _packages(line: CommandLine, evaluation: Evaluation) -> Iterator[Package]:
    any_named = False
    for token in line.tokens:
        if token.value is None or token.name not in {"", "expression"}:
            continue
        any_named = True
        if token.name == "":
            yield evaluation.find(token.value).package
        else:
            yield from (each.package for each in evaluation.packages_of_expression(token.value))
    if not any_named:
        for entry in evaluation.catalogue.entries:
            yield evaluation.catalogue.load(entry)


def _told(change: Change, *, dry_run: bool) -> str:
    if dry_run:
        return _diff(change)
    shown = map(diagnostics.shown_place, change.places)
    return "".join(tr("{place}: restyled", place=place) + "\n" for place in shown)


def _diff(change: Change) -> str:
    import difflib

    name = os.path.relpath(change.file)
    name = change.file if name.startswith("../") else name
    texts = [data.decode().splitlines(keepends=True) for data in (change.before, change.after)]
    return "".join(difflib.unified_diff(texts[0], texts[1], f"a/{name.lstrip('/')}", f"b/{name.lstrip('/')}"))
