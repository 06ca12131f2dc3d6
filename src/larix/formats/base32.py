"""nix-base32: how store paths and hashes are spelled.

Thirty-two digits, without `e`, `o`, `u` and `t`. The bytes are one little-endian number, written with its
most significant digit first; n bytes take ceil(8n/5) digits, and the bits above the number are zero, so
that every byte string has exactly one spelling.

    >>> encode(b"hello")
    'dxn6qrb8'
"""

from __future__ import annotations

from larix.formats.errors import FormatError
from larix.words import mark, tr

__all__ = ["ALPHABET", "BadBase32", "decode", "encode", "encoded_length"]

ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"

_DIGITS = frozenset(ALPHABET)
_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
_TO_PYTHON = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")


class BadBase32(FormatError):
    noun = mark("nix-base32 text")


def encoded_length(size: int) -> int:
    """How many digits `size` bytes take."""
    return (size * 8 + 4) // 5


def encode(data: bytes) -> str:
    length = encoded_length(len(data))
    number = int.from_bytes(data, "little")
    text = "".join([_PAIRS[number >> shift & 1023] for shift in range((length - 1) // 2 * 10, -1, -10)])
    return text[1:] if length % 2 else text


def decode(text: str) -> bytes:
    """The bytes that `encode` spells as `text`: a stray bit in the first digit is refused."""
    size = len(text) * 5 // 8
    if encoded_length(size) != len(text):
        raise BadBase32(expected=tr("a whole number of bytes"), found=tr("{count} digits", count=len(text)))
    if not _DIGITS.issuperset(text):
        at = next(index for index, digit in enumerate(text) if digit not in _DIGITS)
        raise BadBase32(
            offset=at, expected=tr("a digit of `{alphabet}`", alphabet=ALPHABET), found=ascii(text[at])
        )
    number = int(text.translate(_TO_PYTHON), 32) if text else 0
    if number >> 8 * size:
        raise BadBase32(offset=0, expected=tr("zero bits above the last byte"), found=ascii(text[0]))
    return number.to_bytes(size, "little")
