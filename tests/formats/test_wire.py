from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.wire import BadWire, Reader, WireTruncated, encode_string, encode_strings, encode_u64


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"", bytes(8)),
        (b"a", b"\1" + bytes(7) + b"a" + bytes(7)),
        (b"12345678", b"\10" + bytes(7) + b"12345678"),
        (b"123456789", b"\11" + bytes(7) + b"123456789" + bytes(7)),
    ],
)
def test_strings_are_padded_to_eight_bytes(data: bytes, encoded: bytes) -> None:
    assert encode_string(data) == encoded
    reader = Reader(encoded)
    assert reader.string() == data
    reader.end()


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_numbers_use_all_eight_bytes(number: int) -> None:
    assert Reader(encode_u64(number)).u64() == number


@given(st.lists(st.binary(max_size=20), max_size=5), st.binary(max_size=9))
def test_lists_come_back_and_leave_the_rest(strings: list[bytes], rest: bytes) -> None:
    reader = Reader(encode_strings(strings) + rest)
    assert reader.strings() == strings
    assert reader.data[reader.position :] == rest


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=3), st.data())
def test_a_list_cut_short_is_truncated_and_nothing_else(strings: list[bytes], data: st.DataObject) -> None:
    encoded = encode_strings(strings)
    cut = data.draw(st.integers(min_value=0, max_value=len(encoded) - 1))
    with pytest.raises(WireTruncated) as caught:
        Reader(encoded[:cut]).strings()
    assert caught.value.offset == cut


@given(st.binary(max_size=64))
def test_any_bytes_give_strings_of_that_encoding_or_an_error(data: bytes) -> None:
    reader = Reader(data)
    try:
        strings = reader.strings()
    except BadWire:
        return
    assert encode_strings(strings) == data[: reader.position]


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"\1" + bytes(7) + b"a" + bytes(6) + b"x", "zero bytes"),
        (encode_u64(2**63) + bytes(16), "at most 65536 bytes"),
        (encode_u64(65537) + bytes(16), "at most 65536 bytes"),
    ],
)
def test_a_string_that_no_encoder_writes_is_refused(encoded: bytes, expected: str) -> None:
    with pytest.raises(BadWire) as caught:
        Reader(encoded).string()
    assert expected in caught.value.expected
    assert not isinstance(caught.value, WireTruncated)


def test_a_count_is_refused_before_anything_is_counted() -> None:
    with pytest.raises(BadWire, match="at most 1048576"):
        Reader(encode_u64(2**63)).strings()


def test_a_boolean_is_zero_or_one() -> None:
    assert [Reader(encode_u64(number)).boolean() for number in (0, 1)] == [False, True]
    with pytest.raises(BadWire):
        Reader(encode_u64(2)).boolean()


def test_an_error_counts_from_the_start_of_the_whole_input() -> None:
    reader = Reader(encode_u64(7) + encode_string(b"\xff"), base=1000)
    reader.u64()
    with pytest.raises(BadWire, match="ASCII") as caught:
        reader.text()
    assert caught.value.offset == 1016


def test_what_follows_the_last_value_is_refused() -> None:
    reader = Reader(encode_u64(7) + b"x")
    reader.u64()
    with pytest.raises(BadWire, match="expected the end"):
        reader.end()
