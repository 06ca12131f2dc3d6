from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.aterm import BadAterm, Scanner, print_list, print_strings, quote

SPELLINGS = [
    (b"", b'""'),
    (b"plain", b'"plain"'),
    (b'"', b'"\\""'),
    (b"\\", b'"\\\\"'),
    (b"\n\r\t", b'"\\n\\r\\t"'),
    (b"\\n", b'"\\\\n"'),
    (b'\\"', b'"\\\\\\""'),
    (b"\x01\x7f\x80\xff", b'"\x01\x7f\x80\xff"'),
    ("é日😀".encode(), b'"' + "é日😀".encode() + b'"'),
    (b"[(),]", b'"[(),]"'),
]
"""What `derivations.nix` of the vectors shows real Nix to write, one escape at a time."""


def scan(text: bytes) -> bytes:
    scanner = Scanner(text)
    string = scanner.string()
    scanner.end()
    return string


@pytest.mark.parametrize(("value", "text"), SPELLINGS)
def test_a_string_has_one_spelling(value: bytes, text: bytes) -> None:
    assert quote(value) == text
    assert scan(text) == value


@pytest.mark.parametrize(("value", "text"), SPELLINGS)
def test_a_string_cut_short_is_refused_at_its_end(value: bytes, text: bytes) -> None:
    for end in range(len(text)):
        with pytest.raises(BadAterm) as caught:
            scan(text[:end])
        assert caught.value.found == "the end", value
        assert caught.value.offset == end


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        (b'"a"x', 3, "the end"),
        (b"a", 0, "a string"),
        (b'"a\\x"', 2, "one of"),
        (b'"a\nb"', 2, "an escape sequence"),
        (b'"a\rb"', 2, "an escape sequence"),
        (b'"\t"', 1, "an escape sequence"),
        (b'"\\\\\\q"', 3, "one of"),
    ],
)
def test_other_spellings_are_refused_where_they_differ(text: bytes, offset: int, expected: str) -> None:
    with pytest.raises(BadAterm) as caught:
        scan(text)
    assert caught.value.offset == offset
    assert expected in caught.value.expected


def test_lists_of_strings() -> None:
    for strings in ([], [b"a"], [b"a", b"", b'"']):
        text = print_strings(strings)
        scanner = Scanner(text)
        assert scanner.strings() == strings
        scanner.end()
    assert print_list([b"1", b"(2)"]) == b"[1,(2)]"


@pytest.mark.parametrize(
    "text", [b"", b"[", b'["a"', b'["a",', b'["a"x', b'["a" ]', b'[,"a"]', b'["a",]', b'"a"]']
)
def test_lists_that_are_not_whole_are_refused(text: bytes) -> None:
    with pytest.raises(BadAterm):
        Scanner(text).strings()


def test_text_that_must_be_ascii_is_refused_where_it_starts() -> None:
    scanner = Scanner(b'["ok","\xc3\xa9"]')
    with pytest.raises(BadAterm, match="ASCII") as caught:
        scanner.ascii_strings()
    assert caught.value.offset == 6


@given(st.lists(st.binary(max_size=20)))
def test_every_list_comes_back(strings: list[bytes]) -> None:
    assert Scanner(print_strings(strings)).strings() == strings


@given(
    st.binary(max_size=30)
    | st.lists(st.sampled_from([b'"', b"\\", b"n", b"[", b"]", b",", b"\n"])).map(b"".join)
)
def test_any_bytes_give_a_list_of_that_spelling_or_an_error(text: bytes) -> None:
    scanner = Scanner(text)
    offset: int | None = None
    strings: list[bytes] = []
    try:
        strings = scanner.strings()
        scanner.end()
    except BadAterm as error:
        offset = error.offset
    if offset is None:
        assert print_strings(strings) == text
    else:
        assert 0 <= offset <= len(text)


@pytest.mark.parametrize("run", [b'\\"', b"\\\\", b"a", b'\\\\\\"'])
def test_long_runs_are_read_in_linear_time(run: bytes) -> None:
    """Each quote looks back over the backslashes before it, and over nothing else."""
    text = b'"' + run * 200_000 + b'"'
    assert quote(scan(text)) == text
