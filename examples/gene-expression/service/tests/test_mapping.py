from __future__ import annotations

import numpy as np
import pytest

from gene_expression import mapping
from gene_expression.dataset import Dataset
from gene_expression.errors import MappingFailed, TooFew
from gene_expression.mapping import map_trait, relatedness
from gene_expression.simulate import HOT_SPOT


@pytest.fixture(scope="module")
def related(dataset: Dataset) -> str:
    return relatedness(dataset)


def test_strains_are_related_to_themselves_most(dataset: Dataset, related: str) -> None:
    matrix = np.array([[float(cell) for cell in line.split()] for line in related.splitlines()])
    assert matrix.shape == (len(dataset.strains), len(dataset.strains))
    assert np.allclose(matrix, matrix.T)
    assert (np.diag(matrix) >= matrix.max(axis=1) - 1e-9).all()


def test_a_trait_is_mapped_to_the_marker_that_makes_it(dataset: Dataset, related: str) -> None:
    row = next(
        row
        for row, marker in enumerate(dataset.markers)
        if marker.chromosome == "7" and marker.megabases > 60
    )
    chance = np.random.default_rng(1).normal(0, 0.2, len(dataset.strains))
    found = map_trait(dataset, dataset.genotypes[row] * 0.7 + chance, related=related)
    best = max(found, key=lambda each: each.score)
    assert best.chromosome == "7"
    assert abs(best.megabases - dataset.markers[row].megabases) < 20
    assert best.effect == pytest.approx(0.7, abs=0.1)
    assert best.score > 15


def test_the_hot_spot_of_the_simulation_is_found_again(dataset: Dataset, related: str) -> None:
    hits = 0
    for row in range(6):
        found = map_trait(dataset, dataset.expression[row], related=related)
        near = [
            each.score
            for each in found
            if each.chromosome == HOT_SPOT[0] and abs(each.megabases - HOT_SPOT[1]) < 15
        ]
        hits += max(near) > 3
    assert hits >= 4


def test_missing_values_and_markers_are_no_obstacle(dataset: Dataset, related: str) -> None:
    values = dataset.expression[0].copy()
    values[::5] = np.nan
    assert len(map_trait(dataset, values, related=related)) > len(dataset.markers) / 2


def test_too_few_values_and_equal_ones_are_told(dataset: Dataset, related: str) -> None:
    values = np.full(len(dataset.strains), np.nan)
    values[:5] = range(5)
    with pytest.raises(TooFew, match="needs 10 strains with values, and there are 5"):
        map_trait(dataset, values, related=related)
    with pytest.raises(TooFew, match="values that vary"):
        map_trait(dataset, np.ones(len(dataset.strains)), related=related)


def test_a_gemma_that_fails_is_told(dataset: Dataset, related: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MappingFailed, match="GEMMA ended with status"):
        map_trait(dataset, dataset.expression[0], related="no matrix\n")
    monkeypatch.setattr(mapping, "GEMMA", "/nowhere/gemma")
    with pytest.raises(MappingFailed, match="cannot start `/nowhere/gemma`"):
        map_trait(dataset, dataset.expression[0], related=related)
