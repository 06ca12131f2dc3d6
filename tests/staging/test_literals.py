import os
import subprocess
import sys
from collections import OrderedDict
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.staging.literals import spell_container, spell_scalar

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.just("\udc80\ud800 lone surrogates")
    | st.integers(min_value=1 << 120, max_value=1 << 140)
    | st.text(alphabet="a./").map(Path)
)
HASHABLE = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=6)
VALUES = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.sets(HASHABLE) | st.dictionaries(HASHABLE, inner)
    ),
    max_leaves=12,
)


def spell(value):
    spelling = spell_scalar(value, "Path")
    spelling = spell_container(value, spell) if spelling is None else spelling
    assert spelling is not None
    return spelling


def same(one, other):
    """Equal, and of equal types all the way down; 1, 1.0 and True are three things, 0.0 and -0.0 two."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, (set, frozenset)):
        return one == other and sorted(map(spell, one)) == sorted(map(spell, other))
    return repr(one) == repr(other)


@pytest.mark.slow
@given(VALUES)
def test_a_spelling_is_one_ascii_line_that_evaluates_to_the_value(value):
    spelling = spell(value)
    assert spelling.isascii()
    assert spelling.isprintable()
    assert same(eval(spelling, {"Path": Path}), value)


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ("it's", '"it\'s"'),
        ("é\n\U0001faa8", r"'\xe9\n\U0001faa8'"),
        (b"\x00'", 'b"\\x00\'"'),
        (0o755, "493"),
        (-1, "-1"),
        (1 << 127, str(1 << 127)),
        (1 << 128, hex(1 << 128)),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (1e22, "1e+22"),
        (float("inf"), "float('inf')"),
        (float("-inf"), "float('-inf')"),
        (float("nan"), "float('nan')"),
        (True, "True"),
        (None, "None"),
        (Path("a/b"), "Path('a/b')"),
        (PurePosixPath("/"), "Path('/')"),
        ((), "()"),
        ((1,), "(1,)"),
        ([1, [2]], "[1, [2]]"),
        ({"b": 1, "a": 2}, "{'b': 1, 'a': 2}"),
        ({3, 20, 1}, "{1, 20, 3}"),
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        (frozenset({"b", "a"}), "frozenset({'a', 'b'})"),
    ],
)
def test_spellings_are_what_they_always_were(value, spelling):
    """Each is a part of the names of what is built with it."""
    assert spell(value) == spelling


def test_integers_longer_than_python_would_print_are_spelled():
    number = -(10**5000)
    assert spell(number) == hex(number)


class Colour(Enum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Point(NamedTuple):
    x: int


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Number.ONE,
        Text("x"),
        1j,
        ...,
        Point(1),
        OrderedDict(a=1),
        object(),
        range(3),
    ],
)
def test_what_only_looks_like_a_literal_has_no_spelling(value):
    assert spell_scalar(value, "Path") is None
    assert spell_container(value, spell) is None


@pytest.mark.slow
def test_spellings_do_not_depend_on_the_order_of_hashing():
    code = """if True:
        from larix.staging.literals import spell_container, spell_scalar
        def spell(value):
            return spell_scalar(value, "Path") or spell_container(value, spell)
        print(spell({"set": set("abcdefgh"), "inner": frozenset({frozenset("xyz"), ("a", 1)})}))
    """
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(seen) == 1
