"""Packages of the catalogue as `-A`, `--show` and `search` print them, from the index alone."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from larix.cli.options import compile_expression, matching_any
from larix.cli.tables import Style, print_json, print_paged, print_table
from larix.errors import LarixError
from larix.packages.catalogue import Row
from larix.packages.index import COMMON_OUTPUTS
from larix.packages.specification import parse_specification
from larix.packages.versions import version_matches
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larix.packages.catalogue import Catalogue, Entry

__all__ = ["PackageNotFound", "list_available", "record_lines", "search", "show"]

_MEANINGS = {
    "out": mark("everything else"),
    "bin": mark("programs"),
    "doc": mark("documentation"),
    "lib": mark("shared libraries"),
    "debug": mark("debug information"),
    "static": mark("static libraries"),
}


_BREAKS = dict.fromkeys(map(ord, "\n\r\t\v\f"), " ")


class PackageNotFound(LarixError):
    """The catalogue has no such package to show."""


def list_available(catalogue: Catalogue, expressions: Sequence[str], *, as_json: bool) -> None:
    listed = catalogue.listing(matching_any(expressions))
    if as_json:
        found = (Row(name, group, number) for name, _, _, _, _, group, number in listed)
        print_json(packages=[_data(catalogue.shown(row)) for row in found])
        return
    style, here = Style.of_output(), _Here()
    shown = {directory: here.shorten(directory) for _, _, _, directory, _, _, _ in listed}
    rows = [
        (name, version, outputs, shown[directory] + place if directory else here.shorten(place))
        for name, version, outputs, directory, place, _, _ in listed
    ]
    if style.links:
        rows = [(*row[:3], _linked(style, row[3])) for row in rows]
    print_table(rows)


def _linked(style: Style, place: str) -> str:
    return style.link(place, place.rsplit(":", 2)[0])


class _Here:
    """Names of files relative to the working directory, when they lie below."""

    def __init__(self) -> None:
        try:
            self._prefix = f"{os.getcwd()}/"
        except OSError:
            self._prefix = "\0"

    def shorten(self, file: str) -> str:
        return file.removeprefix(self._prefix)

    def place(self, entry: Entry) -> str:
        return str(entry.location._replace(file=self.shorten(entry.location.file)))


def show(catalogue: Catalogue, specifications: Sequence[str], *, as_json: bool) -> None:
    """The records of all versions that each specification means."""
    found: list[Entry] = []
    for text in specifications:
        wanted = parse_specification(text)
        named = [catalogue.shown(row) for row in catalogue.rows_named(wanted.name)]
        entries = [each for each in named if version_matches(each.version, wanted.version)]
        if wanted.output is not None:
            entries = [each for each in entries if wanted.output in each.outputs]
        if not entries:
            raise _not_found(catalogue, text, named)
        found += entries
    _print_records(((entry, None) for entry in found), as_json=as_json)


def _not_found(catalogue: Catalogue, text: str, named: Sequence[Entry]) -> PackageNotFound:
    if named:
        there = ", ".join(f"{each.full_name} ({', '.join(each.outputs)})" for each in named)
        return PackageNotFound(
            tr("{text}: package not found", text=text), hint=tr("there is {there}", there=there)
        )
    name = parse_specification(text).name
    return PackageNotFound(tr("{text}: package not found", text=text), hint=catalogue.hint_for(name))


def search(catalogue: Catalogue, expressions: Sequence[str], *, as_json: bool) -> None:
    """The packages in which every expression is found, the most relevant first."""
    compiled = [compile_expression(text, ignore_case=True) for text in expressions]
    found = catalogue.search(compiled)
    _print_records(((catalogue.shown(row), score) for row, score in found), as_json=as_json)


def _print_records(found: Iterator[tuple[Entry, int | None]], *, as_json: bool) -> None:
    if as_json:
        print_json(
            packages=[
                _data(entry) | ({} if relevance is None else {"relevance": relevance})
                for entry, relevance in found
            ]
        )
        return
    style, here = Style.of_output(), _Here()
    width = _width()
    print_paged(
        "\n".join(record_lines(entry, relevance, width, here.place(entry), style)) + "\n\n"
        for entry, relevance in found
    )


def _width() -> int:
    """Of the terminal; COLUMNS overrides it. What is no terminal has 80 columns."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked):
        return max(int(asked), 20)
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns or 80, 20)
    except (OSError, ValueError, AttributeError):
        return 80


def record_lines(
    entry: Entry, relevance: int | None, width: int, place: str, style: Style | None = None
) -> list[str]:
    """One record; continuation lines begin with `+ `."""
    style = style or Style()
    lines = [f"name: {style.bold(entry.name)}", f"version: {entry.version}", "outputs:"]
    outputs = sorted(entry.outputs, key=_output_order)
    lines += [f"+ {output}: {_meaning(output, entry)}" for output in outputs]
    lines.append(f"systems: {' '.join(entry.systems)}")
    lines += _filled("dependencies: ", entry.dependencies, width)
    lines.append(f"location: {style.link(place, entry.location.file)}")
    page = entry.home_page
    lines.append(f"homepage: {style.link(page, address=page) if page else tr('unknown')}")
    lines.append(f"license: {', '.join(entry.licenses) or tr('unknown')}")
    if entry.superseded_by is not None:
        lines.append(f"superseded-by: {entry.superseded_by}")
    lines += _filled("synopsis: ", _words(entry.synopsis), width)
    lines += _filled("description: ", _words(entry.description), width)
    if relevance is not None:
        lines.append(f"relevance: {relevance}")
    return lines


def _output_order(output: str) -> tuple[bool, str]:
    return output == "out", output


def _meaning(output: str, entry: Entry) -> str:
    if output == "out" and len(entry.outputs) == 1:
        return tr("everything")
    if output in COMMON_OUTPUTS:
        return tr(_MEANINGS[output])
    return tr("see the description")


def _words(text: str) -> list[str]:
    """What may stand on lines of its own: not what spaces that do not break hold together."""
    return [each for each in text.translate(_BREAKS).split(" ") if each]


def _filled(label: str, words: Sequence[str], width: int) -> list[str]:
    """The words on lines that fit, as far as words do; no word is cut."""
    lines: list[str] = []
    line, room = label.rstrip(), width
    for word in words:
        if len(line) + 1 + len(word) > room and line not in ("+", label.rstrip()):
            lines.append(line)
            line = "+"
        line = f"{line} {word}"
    lines.append(line if words else label)
    return lines


def _data(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "version": entry.version,
        "outputs": list(entry.outputs),
        "systems": list(entry.systems),
        "dependencies": list(entry.dependencies),
        "location": str(entry.location),
        "homepage": entry.home_page,
        "licenses": list(entry.licenses),
        "synopsis": entry.synopsis,
        "description": entry.description,
    } | ({"superseded-by": entry.superseded_by} if entry.superseded_by is not None else {})
