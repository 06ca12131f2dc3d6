"""A data set made up as nature would: strains inbred from a cross of B and D, and genes in their control.

Each chromosome of a strain is a chain of alleles that switch as recombination does under mating of brothers
and sisters. The level of a gene is its own, moved by a marker near it, by one locus that moves many, by what
its module has in common, and by chance. The same seed gives the same bytes on every machine.
"""

from __future__ import annotations

import bisect
import math
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HOT_SPOT", "REGULATED", "simulate"]

# Of the autosomes of the mouse, in millions of bases.
LENGTHS = (195, 182, 160, 157, 152, 150, 145, 130, 124, 131, 122, 120, 120, 125, 104, 98, 95, 91, 61)
MORGANS_PER_MEGABASE = 0.0052
MARKER_DISTANCE = 8.0
STRAINS = 64
GENES = 150
MODULES = 5
HOT_SPOT = ("12", 56.0)  # moves the first REGULATED genes, wherever those are
REGULATED = 18

Place = tuple[str, float]


def simulate(directory: Path, *, seed: int = 1) -> None:
    """Write `expression.tsv` and `genotypes.tsv`."""
    random = Random(seed)  # noqa: S311
    markers = _markers(random)
    strains = [f"BXD{number}" for number in range(1, STRAINS + 1)]
    alleles = [_inherited(random, markers) for _ in strains]
    directory.mkdir(parents=True, exist_ok=True)
    _write_genotypes(directory / "genotypes.tsv", strains, markers, alleles)
    _write_expression(directory / "expression.tsv", strains, markers, alleles, random)


def _markers(random: Random) -> list[Place]:
    places: list[Place] = []
    for number, length in enumerate(LENGTHS, 1):
        place = 3 + MARKER_DISTANCE * random.random() / 2
        while place < length:
            places.append((str(number), round(place, 3)))
            place += MARKER_DISTANCE * (0.5 + random.random())
    return places


def _inherited(random: Random, markers: list[Place]) -> list[bool]:
    """For each marker, whether the strain has the allele of D."""
    chain: list[bool] = []
    for index, (chromosome, place) in enumerate(markers):
        before = markers[index - 1] if index else None
        if before is None or before[0] != chromosome:
            chain.append(random.random() < 0.5)
            continue
        once = (1 - math.exp(-2 * (place - before[1]) * MORGANS_PER_MEGABASE)) / 2
        switches = random.random() < 4 * once / (1 + 6 * once)
        chain.append(chain[-1] != switches)
    return chain


def _nearest(markers: list[Place], chromosome: str, place: float) -> int:
    """The index of the marker nearest to a place."""
    own = [index for index, marker in enumerate(markers) if marker[0] == chromosome]
    after = bisect.bisect([markers[index][1] for index in own], place)
    return min(own[max(0, after - 1) : after + 1], key=lambda index: abs(markers[index][1] - place))


def _write_genotypes(file: Path, strains: list[str], markers: list[Place], alleles: list[list[bool]]) -> None:
    lines = ["# Simulated genotypes; made by gene_expression.simulate, free for any use."]
    lines.append("\t".join(["marker", "chromosome", "megabases", *strains]))
    for index, (chromosome, place) in enumerate(markers):
        cells = ["D" if strain[index] else "B" for strain in alleles]
        lines.append("\t".join([f"m{chromosome}-{place:.3f}", chromosome, f"{place:.3f}", *cells]))
    file.write_text("\n".join([*lines, ""]), encoding="utf-8", newline="\n")


def _write_expression(
    file: Path, strains: list[str], markers: list[Place], alleles: list[list[bool]], random: Random
) -> None:
    hot = _nearest(markers, *HOT_SPOT)
    common = [[random.gauss(0, 0.35) for _ in strains] for _ in range(MODULES)]
    lines = ["# Simulated expression, as logarithms; made by gene_expression.simulate, free for any use."]
    lines.append("\t".join(["probe", "symbol", "chromosome", "megabases", *strains]))
    for gene in range(GENES):
        number = random.randrange(len(LENGTHS))
        place = round(3 + random.random() * (LENGTHS[number] - 6), 3)
        near = _nearest(markers, str(number + 1), place)
        level = 6 + 6 * random.random()
        local = random.choice((-1, 1)) * random.uniform(0.25, 0.8) if random.random() < 0.4 else 0.0
        distant = random.choice((-1, 1)) * random.uniform(0.5, 0.9) if gene < REGULATED else 0.0
        module = common[gene % MODULES] if gene % 3 == 0 else None
        cells: list[str] = []
        for index, strain in enumerate(alleles):
            value = level + random.gauss(0, 0.3)
            value += local * strain[near] + distant * strain[hot]
            value += module[index] if module else 0.0
            cells.append("NA" if random.random() < 0.01 else f"{value:.4f}")
        head = [f"P{gene + 1:04}", f"Sim{gene + 1}", str(number + 1), f"{place:.3f}"]
        lines.append("\t".join([*head, *cells]))
    file.write_text("\n".join([*lines, ""]), encoding="utf-8", newline="\n")
