from __future__ import annotations

import math

import numpy as np
import pytest

from gene_expression.errors import TooFew
from gene_expression.statistics import correlate, ranks, summarise

NAN = float("nan")


def test_a_summary_passes_over_what_is_missing() -> None:
    summary = summarise(np.array([1.0, NAN, 2.0, 3.0, 6.0]))
    assert (summary.n, summary.mean, summary.median, summary.minimum, summary.maximum) == (
        4,
        3.0,
        2.5,
        1.0,
        6.0,
    )
    assert summary.deviation == pytest.approx(math.sqrt(14 / 3))
    assert summary.error == pytest.approx(summary.deviation / 2)


def test_one_value_has_no_summary() -> None:
    with pytest.raises(TooFew):
        summarise(np.array([1.0, NAN]))


def test_ranks_of_equal_values_are_shared() -> None:
    assert list(ranks(np.array([30.0, 10.0, 20.0, 20.0]))) == [4.0, 1.0, 2.5, 2.5]


def test_correlations_are_those_of_a_textbook_strongest_first() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    table = np.array([[2.0, 1.0, 4.0, 3.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    found = correlate(x, table)
    assert [each.index for each in found] == [1, 0]  # what does not vary is left out
    assert found[0].r == -1
    assert found[0].p == 0
    assert found[1].r == pytest.approx(0.8)
    # z = atanh(0.8) * sqrt(2) = 1.5537; twice the tail of the normal distribution
    assert found[1].p == pytest.approx(0.12026, abs=1e-4)


def test_each_pair_counts_where_both_have_values() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, NAN, 6.0])
    (found,) = correlate(x, np.array([[1.0, 2.0, 3.0, NAN, 100.0, 6.0]]))
    assert found.n == 4
    assert found.r == pytest.approx(1)


def test_spearman_sees_order_alone() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    table = np.exp(x)[np.newaxis] ** 2
    assert correlate(x, table)[0].r < 0.9
    assert correlate(x, table, method="spearman")[0].r == 1


def test_too_few_pairs_are_an_error() -> None:
    with pytest.raises(TooFew):
        correlate(np.array([1.0, 2.0, 3.0]), np.array([[1.0, 2.0, 4.0]]))
