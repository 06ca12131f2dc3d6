"""Packages of the catalogue as `-A`, `--show` and `search` print them, from the index alone."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from larix.cli.listing import compile_expression
from larix.cli.tables import print_json, print_paged, print_table
from larix.errors import LarixError
from larix.packages.specification import parse_specification
from larix.packages.versions import version_matches

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.packages.catalogue import Entry

__all__ = ["list_available", "search", "show"]

_MEANINGS = {
    "out": "everything else",
    "bin": "programs",
    "doc": "documentation",
    "lib": "shared libraries",
    "debug": "debug information",
    "static": "static libraries",
}


class PackageNotFound(LarixError):
    """The catalogue has no such package to show."""


def _listed(evaluation: Evaluation) -> list[Entry]:
    system = evaluation.catalogue.system
    return [
        entry for entry in evaluation.catalogue.entries if not entry.is_hidden and system in entry.systems
    ]


def _shown_place(entry: Entry) -> str:
    """The definition's place, relative to the working directory when it lies below."""
    place = entry.location
    relative = os.path.relpath(place.file)
    return str(place if relative.startswith("../") else place._replace(file=relative))


def list_available(evaluation: Evaluation, expression: str, *, as_json: bool) -> None:
    matches = compile_expression(expression).search
    entries = [entry for entry in _listed(evaluation) if matches(entry.name)]
    if as_json:
        print_json(packages=[_data(entry) for entry in entries])
    else:
        print_table(
            [(each.name, each.version, ",".join(each.outputs), _shown_place(each)) for each in entries]
        )


def show(evaluation: Evaluation, specifications: Sequence[str], *, as_json: bool) -> None:
    """The records of all versions that each specification means."""
    found: list[Entry] = []
    for text in specifications:
        wanted = parse_specification(text)
        entries = [
            entry
            for entry in evaluation.catalogue.entries
            if entry.name == wanted.name and version_matches(entry.version, wanted.version)
        ]
        if not entries:
            raise _not_found(evaluation, text, wanted.name)
        found += entries
    _print_records([(entry, None) for entry in found], as_json=as_json)


def _not_found(evaluation: Evaluation, text: str, name: str) -> PackageNotFound:
    from larix.cli.diagnostics import did_you_mean

    hint = did_you_mean(name, [entry.name for entry in evaluation.catalogue.entries])
    return PackageNotFound(f"{text}: package not found", hint=hint)


def search(evaluation: Evaluation, expressions: Sequence[str], *, as_json: bool) -> None:
    """The packages in which every expression is found, the most relevant first."""
    compiled = [compile_expression(text, ignore_case=True) for text in expressions]
    scored = [(entry, relevance(entry, compiled)) for entry in _listed(evaluation)]
    found = [(entry, score) for entry, score in scored if score]
    found.sort(key=lambda pair: (-pair[1], pair[0].name))
    _print_records(found, as_json=as_json)


def relevance(entry: Entry, expressions: Sequence[re.Pattern[str]]) -> int:
    """The weighted number of hits; 0 unless every expression has one. A whole name counts five times."""
    total = 0
    for expression in expressions:
        score = sum(weight * len(expression.findall(text)) for weight, text in _weighed(entry))
        if not score:
            return 0
        total += score + (16 if expression.fullmatch(entry.name) else 0)
    return total


def _weighed(entry: Entry) -> list[tuple[int, str]]:
    uncommon = [output for output in entry.outputs if output not in _MEANINGS]
    file_name = os.path.basename(entry.location.file).removesuffix(".py")
    return [
        (4, entry.name),
        (3, entry.synopsis),
        (2, entry.description),
        *((1, output) for output in uncommon),
        (1, file_name),
    ]


def _print_records(found: Sequence[tuple[Entry, int | None]], *, as_json: bool) -> None:
    if as_json:
        print_json(
            packages=[
                _data(entry) | ({} if relevance is None else {"relevance": relevance})
                for entry, relevance in found
            ]
        )
        return
    width = _width()
    blocks = ["\n".join(record_lines(entry, relevance, width)) + "\n\n" for entry, relevance in found]
    print_paged("".join(blocks))


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size((80, 24)).columns, 100) if sys.stdout.isatty() else 80


def record_lines(entry: Entry, relevance: int | None, width: int) -> list[str]:
    """One record; continuation lines begin with `+ `."""
    lines = [f"name: {entry.name}", f"version: {entry.version}", "outputs:"]
    outputs = sorted(entry.outputs, key=lambda output: (output == "out", output))
    lines += [f"+ {output}: {_MEANINGS.get(output, '(see the description)')}" for output in outputs]
    lines.append(f"systems: {' '.join(entry.systems)}")
    lines += _filled("dependencies: ", " ".join(entry.dependencies), width)
    lines.append(f"location: {_shown_place(entry)}")
    lines.append(f"homepage: {entry.home_page or 'unknown'}")
    lines.append(f"license: {', '.join(entry.licenses) or 'unknown'}")
    lines += _filled("synopsis: ", " ".join(entry.synopsis.split()), width)
    lines += _filled("description: ", " ".join(entry.description.split()), width)
    if relevance is not None:
        lines.append(f"relevance: {relevance}")
    return lines


def _filled(label: str, text: str, width: int) -> list[str]:
    if not text:
        return [label]
    return textwrap.wrap(
        text,
        width,
        initial_indent=label,
        subsequent_indent="+ ",
        break_long_words=False,
        break_on_hyphens=False,
    )


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
    }
