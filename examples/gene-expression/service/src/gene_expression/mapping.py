"""Association of a trait with markers, by the linear mixed model of GEMMA, which allows for relatedness."""

from __future__ import annotations

import math
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gene_expression.errors import MappingFailed, TooFew
from gene_expression.programs import GEMMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gene_expression.dataset import Dataset

__all__ = ["Association", "map_trait", "relatedness"]

FEWEST = 10


@dataclass(frozen=True)
class Association:
    """`effect` is the change of the trait for each D allele, `score` minus the logarithm of `p`, base 10."""

    marker: str
    chromosome: str
    megabases: float
    effect: float
    error: float
    p: float

    @property
    def score(self) -> float:
        return -math.log10(self.p) if self.p > 0 else 300.0


def relatedness(dataset: Dataset) -> str:
    """The matrix of how alike the strains are, as GEMMA writes and reads it."""
    with tempfile.TemporaryDirectory(prefix="gene-expression-") as name:
        directory = Path(name)
        _write_genotypes(dataset, directory)
        # A trait is asked for, and none counts.
        (directory / "trait").write_text("1\n" * len(dataset.strains), encoding="ascii")
        _run(directory, "-gk", "1", "-o", "relatedness")
        return _read(directory / "relatedness.cXX.txt")


def map_trait(dataset: Dataset, values: NDArray[np.float64], *, related: str) -> list[Association]:
    """All markers that GEMMA tests, in the order of the genome. `related` is what `relatedness` gave."""
    known = values[~np.isnan(values)]
    if len(known) < FEWEST:
        raise TooFew(f"mapping needs {FEWEST} strains with values, and there are {len(known)}")
    if float(np.ptp(known)) == 0:
        raise TooFew("mapping needs values that vary")
    with tempfile.TemporaryDirectory(prefix="gene-expression-") as name:
        directory = Path(name)
        _write_genotypes(dataset, directory)
        (directory / "relatedness").write_text(related, encoding="ascii")
        lines = ["NA" if math.isnan(each) else repr(float(each)) for each in values]
        (directory / "trait").write_text("\n".join([*lines, ""]), encoding="ascii")
        _run(directory, "-k", "relatedness", "-lmm", "1", "-o", "result")
        return _associations(dataset, _read(directory / "result.assoc.txt"))


def _write_genotypes(dataset: Dataset, directory: Path) -> None:
    """In the format of BIMBAM: numbers of D alleles."""
    rows = [
        ", ".join([marker.name, "D", "B", *["NA" if math.isnan(each) else f"{each:.0f}" for each in row]])
        for marker, row in zip(dataset.markers, dataset.genotypes, strict=True)
    ]
    (directory / "genotypes").write_text("\n".join([*rows, ""]), encoding="ascii")


def _run(directory: Path, *words: str) -> None:
    command = [GEMMA, "-g", "genotypes", "-p", "trait", *words, "-outdir", "."]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise MappingFailed(f"cannot start `{GEMMA}`: {error.strerror}") from error
    if done.returncode:
        last = done.stdout.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise MappingFailed(f"GEMMA ended with status {done.returncode}: {last}")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise MappingFailed(f"GEMMA wrote no file `{file.name}`") from None


def _associations(dataset: Dataset, text: str) -> list[Association]:
    header, *lines = [line.split("\t") for line in text.splitlines()]
    column = {name: index for index, name in enumerate(header)}
    markers = {marker.name: marker for marker in dataset.markers}
    found: list[Association] = []
    for cells in lines:
        marker = markers[cells[column["rs"]]]
        found.append(
            Association(
                marker=marker.name,
                chromosome=marker.chromosome,
                megabases=marker.megabases,
                effect=float(cells[column["beta"]]),
                error=float(cells[column["se"]]),
                p=float(cells[column["p_wald"]]),
            )
        )
    return found
