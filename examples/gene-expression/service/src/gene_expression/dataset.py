"""A data set: expression of probes and genotypes of markers, both by strain.

Two tables separated by tabulators, with a header and lines of comment that begin with `#`:

    expression.tsv   probe   symbol      chromosome  megabases  STRAIN ...   numbers, or NA
    genotypes.tsv    marker  chromosome  megabases   STRAIN ...              B, D, or - for unknown

The strains of the two need not be the same; those that both have count for mapping.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gene_expression.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Dataset", "Marker", "Probe", "Trait", "parse_trait", "read_dataset"]

ALLELES = {"B": 0.0, "D": 2.0, "-": np.nan}
MISSING = ("NA", "", "x")


@dataclass(frozen=True)
class Probe:
    name: str
    symbol: str
    chromosome: str
    megabases: float


@dataclass(frozen=True)
class Marker:
    name: str
    chromosome: str
    megabases: float


@dataclass(frozen=True)
class Trait:
    """Values by strain, in the order of a data set's strains; nan where there is none."""

    name: str
    title: str
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Dataset:
    """`digest` stands for all of it: what was computed from one data set is never taken for another."""

    strains: tuple[str, ...]
    probes: tuple[Probe, ...]
    expression: NDArray[np.float64]  # probes by strains
    markers: tuple[Marker, ...]
    genotypes: NDArray[np.float64]  # markers by strains: 0, 2 or nan
    digest: str

    def trait(self, name: str) -> Trait | None:
        """The trait that a probe measured."""
        for row, probe in enumerate(self.probes):
            if probe.name == name:
                place = f"chromosome {probe.chromosome}, {probe.megabases:.1f} Mb"
                return Trait(name, f"{probe.symbol}, {place}", self.expression[row])
        return None

    def aligned(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Values by name of strain, in our order."""
        unknown = sorted(set(values) - set(self.strains))
        if unknown:
            raise BadData(f"there is no strain `{unknown[0]}` in this data set")
        return np.array([values.get(strain, np.nan) for strain in self.strains])


def read_dataset(directory: Path) -> Dataset:
    expression_file, genotype_file = directory / "expression.tsv", directory / "genotypes.tsv"
    digest = hashlib.sha256()
    for file in (expression_file, genotype_file):
        digest.update(file.read_bytes())
    strains, probe_rows = _read_table(expression_file, ("probe", "symbol", "chromosome", "megabases"))
    genotyped, marker_rows = _read_table(genotype_file, ("marker", "chromosome", "megabases"))
    column = {strain: index for index, strain in enumerate(genotyped)}
    genotypes = np.full((len(marker_rows), len(strains)), np.nan)
    for row, (place, _, cells) in enumerate(marker_rows):
        for index, strain in enumerate(strains):
            if strain in column:
                genotypes[row, index] = _allele(cells[column[strain]], place)
    return Dataset(
        strains=strains,
        probes=tuple(
            [Probe(head[0], head[1], head[2], _number(head[3], place)) for place, head, _ in probe_rows]
        ),
        expression=np.array([[_value(cell, place) for cell in cells] for place, _, cells in probe_rows]),
        markers=tuple([Marker(head[0], head[1], _number(head[2], place)) for place, head, _ in marker_rows]),
        genotypes=genotypes,
        digest=digest.hexdigest(),
    )


def parse_trait(text: str) -> dict[str, float]:
    """Lines of a strain and a number, with blanks, commas or tabulators between."""
    values: dict[str, float] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        place = f"line {number}"
        if len(words) != 2:
            raise BadData(f"{place}: expected a strain and a number, found `{line.strip()}`")
        if words[0] in values:
            raise BadData(f"{place}: strain `{words[0]}` comes twice")
        values[words[0]] = _value(words[1], place)
    if not values:
        raise BadData("expected lines of a strain and a number, found none")
    return values


Row = tuple[str, list[str], list[str]]


def _read_table(file: Path, heads: tuple[str, ...]) -> tuple[tuple[str, ...], list[Row]]:
    """The strains, and of each row its place, its first columns and its cells."""
    lines = [
        (number, line.split("\t"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line and not line.startswith("#")
    ]
    if not lines or tuple(lines[0][1][: len(heads)]) != heads:
        raise BadData(f"{file}: expected a header that begins with {', '.join(heads)}")
    strains = tuple(lines[0][1][len(heads) :])
    if not strains or len(set(strains)) < len(strains):
        raise BadData(f"{file}: expected names of strains, each once")
    rows: list[Row] = []
    for number, cells in lines[1:]:
        place = f"{file}:{number}"
        if len(cells) != len(heads) + len(strains):
            raise BadData(f"{place}: expected {len(heads) + len(strains)} columns, found {len(cells)}")
        rows.append((place, cells[: len(heads)], cells[len(heads) :]))
    _check_names([row[1][0] for row in rows], file)
    return strains, rows


def _check_names(names: Iterable[str], file: Path) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadData(f"{file}: `{name}` comes twice")
        seen.add(name)
    if not seen:
        raise BadData(f"{file}: expected rows, found none")


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadData(f"{place}: expected a number, found `{text}`") from None
    if not np.isfinite(value):
        raise BadData(f"{place}: expected a finite number, found `{text}`")
    return value


def _value(text: str, place: str) -> float:
    return float("nan") if text in MISSING else _number(text, place)


def _allele(text: str, place: str) -> float:
    if text not in ALLELES:
        raise BadData(f"{place}: expected one of {' '.join(ALLELES)}, found `{text}`")
    return ALLELES[text]
