"""The scanner against one that needs no cleverness to be believed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.base32 import ALPHABET
from larix.formats.storepath import StorePath
from larix.store.refscan import ReferenceScanner, find_references

DIGITS = ALPHABET.encode()
hash_parts = st.text(alphabet=ALPHABET, min_size=32, max_size=32)
# Few letters make near misses and overlapping candidates likely.
poor_hash_parts = st.text(alphabet="01", min_size=32, max_size=32)


def path_of(digits: str) -> StorePath:
    return StorePath(f"/larix/store/{digits}-name")


def naive(data: bytes, candidates: list[StorePath]) -> set[StorePath]:
    found = set()
    for path in candidates:
        digits = path[13:45].encode()
        if any(digits[start : start + 16] in data for start in range(17)):
            found.add(path)
    return found


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks, at = [], 0
    for size in sizes:
        chunks.append(data[at : at + size])
        at += size
    return [*chunks, data[at:]]


@st.composite
def streams(draw: st.DrawFn, parts: st.SearchStrategy[str]) -> tuple[bytes, list[StorePath]]:
    candidates = draw(st.lists(parts, min_size=1, max_size=5))
    pieces: list[bytes] = []
    for _ in range(draw(st.integers(0, 6))):
        digits = draw(st.sampled_from(candidates)).encode()
        start = draw(st.integers(0, 20))
        length = draw(st.integers(10, 32))
        pieces.append(draw(st.binary(max_size=40)))
        pieces.append(digits[start : start + length])
        pieces.append(draw(st.text(alphabet=ALPHABET, max_size=5)).encode())
    pieces.append(draw(st.binary(max_size=40)))
    return b"".join(pieces), [path_of(digits) for digits in candidates]


@given(streams(hash_parts), st.lists(st.integers(0, 60), max_size=12))
def test_it_finds_what_a_naive_scanner_finds_in_any_slicing(
    stream: tuple[bytes, list[StorePath]], sizes: list[int]
) -> None:
    data, candidates = stream
    assert find_references(cut(data, sizes), candidates) == naive(data, candidates)


@given(streams(poor_hash_parts), st.lists(st.integers(0, 60), max_size=12))
def test_candidates_that_share_digits_are_told_apart(
    stream: tuple[bytes, list[StorePath]], sizes: list[int]
) -> None:
    data, candidates = stream
    assert find_references(cut(data, sizes), candidates) == naive(data, candidates)


@given(hash_parts, st.integers(0, 50), st.binary(max_size=3))
def test_byte_by_byte_is_as_good_as_at_once(digits: str, before: int, after: bytes) -> None:
    data = b"/" * before + digits.encode() + after
    path = path_of(digits)
    assert find_references([data[i : i + 1] for i in range(len(data))], [path]) == {path}


def test_a_reference_over_the_border_of_large_pieces_is_found() -> None:
    digits = "0123456789abcdfghijklmnpqrsvwxyz"
    for shift in range(-40, 10):
        data = bytes((1 << 20) + shift) + digits.encode() + bytes(100)
        assert find_references([data], [path_of(digits)]) == {path_of(digits)}
        assert find_references([data[: 1 << 20], data[1 << 20 :]], [path_of(digits)]) == {path_of(digits)}


def test_fifteen_digits_are_chance_and_sixteen_are_not() -> None:
    digits = "0123456789abcdfghijklmnpqrsvwxyz"
    for start in range(17):
        assert (
            find_references([b"|" + digits[start : start + 15].encode() + b"|"], [path_of(digits)]) == set()
        )
        assert find_references([b"|" + digits[start : start + 16].encode() + b"|"], [path_of(digits)])


def test_two_items_with_one_hash_part_are_both_found() -> None:
    one, two = path_of("a" * 32), StorePath(f"/larix/store/{'a' * 32}-other")
    assert find_references([b"x" + b"a" * 32], [one, two]) == {one, two}


def test_without_candidates_nothing_is_done() -> None:
    scanner = ReferenceScanner([])
    scanner.feed(DIGITS * 100)
    assert scanner.found == set()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_a_name_that_gcc_cut_into_pieces_is_found(tmp_path: Path) -> None:
    """At -O2 GCC copies this string through vector registers; its digits stand nowhere in one run."""
    digits = "qy3dl5mwz8hs1v0gkj4fx2nb7r6ca9ip"
    found_cut = False
    for lead in range(0, 16, 3):
        prefix = "/larix/store/an"[:lead]
        source = tmp_path / f"p{lead}.c"
        source.write_text(f'#include <string.h>\nvoid fill(char *p) {{ strcpy(p, "{prefix}{digits}-a"); }}\n')
        program = tmp_path / f"p{lead}.o"
        subprocess.run(["gcc", "-O2", "-c", str(source), "-o", str(program)], check=True)
        data = program.read_bytes()
        found_cut = found_cut or digits.encode() not in data
        if naive(data, [path_of(digits)]):
            assert find_references([data], [path_of(digits)]) == {path_of(digits)}
        else:
            pytest.fail(f"gcc left no 16 digits together after {prefix!r}")
    if not found_cut:
        pytest.skip("this gcc did not cut the string")
