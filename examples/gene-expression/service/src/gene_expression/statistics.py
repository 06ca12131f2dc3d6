"""Summaries and correlations, with values that may be missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gene_expression.errors import TooFew

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Correlation", "Summary", "correlate", "ranks", "summarise"]

FEWEST = 4  # with fewer pairs, a correlation and its significance mean nothing


@dataclass(frozen=True)
class Summary:
    n: int
    mean: float
    median: float
    deviation: float
    error: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Correlation:
    """`index` is the row that was correlated, `p` is two-sided and by Fisher's transformation."""

    index: int
    r: float
    n: int
    p: float


def summarise(values: NDArray[np.float64]) -> Summary:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        raise TooFew(f"a summary needs two values, and there are {len(known)}")
    deviation = float(np.std(known, ddof=1))
    return Summary(
        n=len(known),
        mean=float(np.mean(known)),
        median=float(np.median(known)),
        deviation=deviation,
        error=deviation / math.sqrt(len(known)),
        minimum=float(np.min(known)),
        maximum=float(np.max(known)),
    )


def correlate(
    values: NDArray[np.float64], table: NDArray[np.float64], *, method: str = "pearson"
) -> list[Correlation]:
    """The rows of the table that vary together with the values, strongest first."""
    found: list[Correlation] = []
    for index, row in enumerate(table):
        both = ~(np.isnan(values) | np.isnan(row))
        n = int(both.sum())
        if n < FEWEST:
            continue
        left, right = values[both], row[both]
        if method == "spearman":
            left, right = ranks(left), ranks(right)
        r = _product_moment(left, right)
        if r is not None:
            found.append(Correlation(index, r, n, _significance(r, n)))
    if not found:
        raise TooFew(f"correlations need {FEWEST} strains that both have, and values that vary")
    return sorted(found, key=lambda each: (-abs(each.r), each.index))


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: NDArray[np.float64] = last - (counts - 1) / 2
    return mean[inverse]


def _product_moment(left: NDArray[np.float64], right: NDArray[np.float64]) -> float | None:
    left, right = left - left.mean(), right - right.mean()
    scale = math.sqrt(float(left @ left) * float(right @ right))
    return max(-1.0, min(1.0, float(left @ right) / scale)) if scale > 0 else None


def _significance(r: float, n: int) -> float:
    if abs(r) >= 1:
        return 0.0
    return math.erfc(abs(math.atanh(r)) * math.sqrt(n - 3) / math.sqrt(2))
