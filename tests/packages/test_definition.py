"""The text of definitions, found by the place of a record and changed character by character."""

from __future__ import annotations

from pathlib import Path

import pytest

from larix.errors import Location
from larix.packages.definition import CannotEdit, Definition, Edit, SourceText

TEXT = '''\
"""Ünïcödé before all that counts."""
V = "1.0"
made = f("é"); one = Call(name="x",  # a reason
    version=V, other=1)
two = one.inherit(
    # why
    tests=False,
).again()
W: str = "a"
W = "b"
'''


@pytest.fixture
def source(tmp_path: Path) -> SourceText:
    file = tmp_path / "definition.py"
    file.write_text(TEXT, encoding="utf-8")
    return SourceText(str(file))


def test_call_is_found_by_its_place_in_bytes(source: SourceText) -> None:
    """Columns count bytes, as those of Python's own positions do."""
    column = TEXT.splitlines()[2].encode().index(b"Call(") + 1
    call = source.call_at(Location(source.file, 3, column))
    assert call is not None
    assert Definition(source, call).field("other") is not None
    assert source.call_at(Location(source.file, 3, column + 1)) is None


def test_of_a_chain_the_call_with_fields_is_meant(source: SourceText) -> None:
    definition = Definition.at(Location(source.file, 5, 7))
    tests = definition.field("tests")
    assert tests is not None
    assert definition.reason_near(tests)
    assert definition.lines() == range(5, 9)


def test_string_behind_a_name_is_the_literal(source: SourceText) -> None:
    definition = Definition.at(Location(source.file, 3, 23))
    assert definition.literal("version").value == "1.0"
    assert definition.literal("name").value == "x"
    with pytest.raises(CannotEdit, match="`other` is not written as a string") as caught:
        definition.literal("other")
    assert caught.value.place == Location(source.file, 4, 22)
    with pytest.raises(CannotEdit, match="`absent` is not"):
        definition.literal("absent")


def test_name_that_is_set_twice_has_no_one_value(source: SourceText) -> None:
    assert source.value_of_name("W") is None
    assert source.value_of_name("V") is not None


def test_edits_change_their_own_characters_only(source: SourceText) -> None:
    definition = Definition.at(Location(source.file, 3, 23))
    edits = [Edit(definition.literal("name"), '"y"'), Edit(definition.literal("version"), '"2.0"')]
    expected = TEXT.replace('"x"', '"y"').replace('"1.0"', '"2.0"')
    assert source.edited(edits).decode() == expected


@pytest.mark.parametrize("data", [b"\xff\xfe", b"def (", b"x = '\0'"])
def test_file_that_is_no_text_or_no_python_is_one_error(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "bad.py"
    file.write_bytes(data)
    with pytest.raises(CannotEdit, match="cannot read the definition"):
        SourceText(str(file))
    with pytest.raises(CannotEdit, match="cannot read the definition"):
        SourceText(str(tmp_path / "none.py"))


def test_place_without_a_call_is_one_error(source: SourceText) -> None:
    with pytest.raises(CannotEdit, match="no definition begins here"):
        Definition.at(Location(source.file, 2, 1))
