import pytest

from larix.buildside.failure import BuildSideError
from larix.buildside.mappings import with_added_after, with_added_before, with_replaced, without

GIVEN = {"a": 1, "b": 2, "c": 3}


def test_entries_are_added_at_their_place():
    assert list(with_added_before(GIVEN, "b", "x", 9).items()) == [("a", 1), ("x", 9), ("b", 2), ("c", 3)]
    assert list(with_added_after(GIVEN, "c", "x", 9).items()) == [("a", 1), ("b", 2), ("c", 3), ("x", 9)]


def test_entries_are_replaced_and_left_out():
    assert list(with_replaced(GIVEN, "b", 9).items()) == [("a", 1), ("b", 9), ("c", 3)]
    assert without(GIVEN, "a", "c") == {"b": 2}


def test_given_mapping_stays():
    before = dict(GIVEN)
    with_added_after(GIVEN, "a", "x", 9)
    without(GIVEN, "a")
    assert before == GIVEN


@pytest.mark.parametrize(
    "change",
    [
        lambda: with_added_before(GIVEN, "z", "x", 9),
        lambda: with_added_after(GIVEN, "z", "x", 9),
        lambda: with_replaced(GIVEN, "z", 9),
        lambda: without(GIVEN, "a", "z"),
    ],
)
def test_missing_entry_is_told_with_those_there(change):
    with pytest.raises(BuildSideError, match="there is no entry `z`; there are: a, b, c"):
        change()


def test_entry_that_is_there_is_not_added_again():
    with pytest.raises(BuildSideError, match="there is an entry `c` already"):
        with_added_after(GIVEN, "a", "c", 9)
