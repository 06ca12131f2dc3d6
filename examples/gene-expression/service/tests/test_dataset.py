from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from gene_expression.dataset import Dataset, parse_trait, read_dataset
from gene_expression.errors import BadData
from gene_expression.simulate import GENES, STRAINS, simulate

if TYPE_CHECKING:
    from pathlib import Path

EXPRESSION = "probe\tsymbol\tchromosome\tmegabases\tS1\tS2\nP1\tAbc\t1\t2.5\t7\tNA\n"
GENOTYPES = "# a comment\nmarker\tchromosome\tmegabases\tS2\tS3\nm1\t1\t3\tD\tB\n"


def written(directory: Path, expression: str = EXPRESSION, genotypes: str = GENOTYPES) -> Path:
    (directory / "expression.tsv").write_text(expression)
    (directory / "genotypes.tsv").write_text(genotypes)
    return directory


def test_tables_are_read_and_strains_matched_by_name(tmp_path: Path) -> None:
    dataset = read_dataset(written(tmp_path))
    assert dataset.strains == ("S1", "S2")
    assert dataset.expression[0, 0] == 7
    assert math.isnan(dataset.expression[0, 1])
    assert math.isnan(dataset.genotypes[0, 0])
    assert dataset.genotypes[0, 1] == 2


def test_any_other_byte_is_another_data_set(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = read_dataset(written(tmp_path))
    second = read_dataset(written(tmp_path / "other", EXPRESSION.replace("2.5", "2.6")))
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7\tNA", "7", "expression.tsv:2: expected 6 columns, found 5"),
        ("7\tNA", "seven\tNA", "expected a number, found `seven`"),
        ("7\tNA", "inf\tNA", "expected a finite number"),
        ("S1\tS2", "S1\tS1", "names of strains, each once"),
        ("probe", "gene", "expected a header that begins with probe"),
        ("P1\tAbc\t1\t2.5\t7\tNA\n", "", "expected rows"),
    ],
)
def test_a_wrong_table_is_told_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(BadData, match=message):
        read_dataset(written(tmp_path, EXPRESSION.replace(old, new)))


def test_an_unknown_allele_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="expected one of B D -, found `C`"):
        read_dataset(written(tmp_path, genotypes=GENOTYPES.replace("\tD\tB", "\tC\tB")))


def test_simulated_data_are_whole_and_the_same_each_time(tmp_path: Path, dataset: Dataset) -> None:
    simulate(tmp_path)
    assert read_dataset(tmp_path).digest == dataset.digest
    assert dataset.expression.shape == (GENES, STRAINS)
    simulate(tmp_path, seed=2)
    assert read_dataset(tmp_path).digest != dataset.digest


def test_a_trait_of_a_visitor_is_read() -> None:
    assert parse_trait("# mine\nBXD1 1.5\nBXD2,\t-2\n\n") == {"BXD1": 1.5, "BXD2": -2.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BXD1", "line 1: expected a strain"),
        ("A 1\nA 2", "line 2: strain `A` comes twice"),
        ("", "found none"),
    ],
)
def test_a_wrong_trait_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BadData, match=message):
        parse_trait(text)


def test_a_strain_that_the_data_lack_is_told(dataset: Dataset) -> None:
    with pytest.raises(BadData, match="no strain `AXB1`"):
        dataset.aligned({"BXD1": 1.0, "AXB1": 2.0})
