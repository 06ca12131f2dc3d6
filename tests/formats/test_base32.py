from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats import base32
from larix.formats.base32 import BadBase32
from vectors import load


@pytest.mark.parametrize("vector", load("guix", "hashes"), ids=lambda vector: vector["ascii"] or "empty")
def test_spells_what_guix_spells(vector: dict[str, Any]) -> None:
    data = vector["ascii"].encode()
    assert base32.encode(data) == vector["nix_base32"]
    assert base32.decode(vector["nix_base32"]) == data


@given(st.binary(max_size=80))
def test_every_byte_string_comes_back(data: bytes) -> None:
    text = base32.encode(data)
    assert len(text) == base32.encoded_length(len(data))
    assert base32.decode(text) == data


@given(st.text(alphabet=base32.ALPHABET + "eotuE-_ é", max_size=40))
def test_any_text_gives_bytes_with_that_spelling_or_an_error(text: str) -> None:
    try:
        data = base32.decode(text)
    except BadBase32:
        return
    assert base32.encode(data) == text


@pytest.mark.parametrize("text", ["e0", "0o", "0_0", "+1", " 1", "1é", "\u0661\u0661"])
def test_a_character_that_is_no_digit_is_named_with_its_place(text: str) -> None:
    """Underscores, signs, blanks and foreign digits mean something to Python's own number reader."""
    with pytest.raises(BadBase32) as caught:
        base32.decode(text + "0" * (8 - len(text)))
    assert caught.value.offset == next(i for i, char in enumerate(text) if char not in base32.ALPHABET)


@pytest.mark.parametrize("length", [1, 3, 6])
def test_a_length_that_no_bytes_have_is_refused(length: int) -> None:
    with pytest.raises(BadBase32, match=f"{length} digits"):
        base32.decode("0" * length)


def test_bits_above_the_last_byte_are_refused() -> None:
    assert base32.decode("7z") == b"\xff"
    with pytest.raises(BadBase32, match="zero bits"):
        base32.decode("8z")
