"""The table of README.md is whole and true."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROW = re.compile(r"^\| (?P<number>[VR]?\d+) \| (?P<what>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, str]]:
    text = (TESTS / "security/README.md").read_text(encoding="utf-8")
    return [(row["number"], row["tests"]) for row in ROW.finditer(text)]


@functools.cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_number_has_its_row() -> None:
    numbers = [number for number, _ in rows()]
    attacks = [f"V{number}" for number in range(1, 37)]
    rules = [str(number) for number in range(1, 10)]
    assert numbers == [*attacks, *rules, "R10", "R11", "R12"]


def test_tests_that_are_named_exist() -> None:
    missing = [
        f"{file}::{name}"
        for _, text in rows()
        for file, name in NAMED.findall(text)
        if not (TESTS / file).is_file() or name not in functions_of(file)
    ]
    assert missing == []


def test_a_row_without_tests_has_a_reason() -> None:
    assert [number for number, text in rows() if not NAMED.search(text) and len(text.split()) < 8] == []


def test_every_test_of_this_folder_is_named() -> None:
    named = {f"{file}::{name}" for _, text in rows() for file, name in NAMED.findall(text)}
    own = {
        f"security/{file.name}::{name}"
        for file in (TESTS / "security").glob("test_*.py")
        if file.name != "test_index.py"
        for name in functions_of(f"security/{file.name}")
        if name.startswith("test_")
    }
    assert sorted(own - named) == []
