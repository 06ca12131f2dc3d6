"""The framing that archives, exports and the worker protocol have in common.

    u64      eight bytes, little-endian
    string   u64 length, the bytes, zero bytes up to a multiple of eight
    strings  u64 count, that many strings

    >>> encode_string(b"hi").hex(" ", 8)
    '0200000000000000 6869000000000000'

Reading is bounded: a length is compared with what the caller allows before anything of that length is waited
for or held, a count before anything is counted.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from larix.formats.errors import FormatError, excerpt
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_STRING_LENGTH",
    "BadWire",
    "Reader",
    "WireTruncated",
    "encode_string",
    "encode_strings",
    "encode_u64",
]

MAX_STRING_LENGTH = 1 << 16  # unless the caller says otherwise: paths, names, signatures are far shorter
MAX_COUNT = 1 << 20

encode_u64 = Struct("<Q").pack
_read_u64 = Struct("<Q").unpack_from
_PADDINGS = [bytes(-length % 8) for length in range(8)]


class BadWire(FormatError):
    noun = mark("message")


class WireTruncated(BadWire):
    """The input ends within a value that is good so far; with more of it, reading again may succeed."""


def encode_string(data: bytes) -> bytes:
    return encode_u64(len(data)) + data + _PADDINGS[len(data) % 8]


def encode_strings(strings: Iterable[bytes]) -> bytes:
    encoded = [encode_string(string) for string in strings]
    return encode_u64(len(encoded)) + b"".join(encoded)


class Reader:
    """Reads values from the left of bytes at hand; `position` is behind the last complete one.

    `base` is the offset of the first byte in a longer input, for the messages of errors.
    """

    __slots__ = ("base", "data", "position")

    def __init__(self, data: bytes, *, base: int = 0) -> None:
        self.data = data
        self.base = base
        self.position = 0

    def fail(self, expected: str, found: str, at: int | None = None) -> BadWire:
        at = self.position if at is None else at
        return BadWire(offset=self.base + at, expected=expected, found=found)

    def _truncated(self, expected: str) -> WireTruncated:
        return WireTruncated(offset=self.base + len(self.data), expected=expected, found=tr("the end"))

    def u64(self, *, limit: int = (1 << 64) - 1) -> int:
        if len(self.data) - self.position < 8:
            raise self._truncated(tr("a number of eight bytes"))
        number: int = _read_u64(self.data, self.position)[0]
        if number > limit:
            raise self.fail(tr("a number of at most {limit}", limit=limit), f"{number}")
        self.position += 8
        return number

    def boolean(self) -> bool:
        return bool(self.u64(limit=1))

    def string(self, *, limit: int = MAX_STRING_LENGTH) -> bytes:
        start = self.position
        if len(self.data) - start < 8:
            raise self._truncated(tr("the length of a string"))
        length: int = _read_u64(self.data, start)[0]
        if length > limit:
            raise self.fail(
                tr("a string of at most {limit} bytes", limit=limit), tr("one of {length}", length=length)
            )
        end = start + 8 + length
        padded = start + 8 + (length + 7 & ~7)
        if padded > len(self.data):
            raise self._truncated(tr("a string of {length} bytes", length=length))
        padding = self.data[end:padded]
        if padding.strip(b"\0"):
            raise self.fail(tr("zero bytes up to a multiple of eight"), excerpt(padding), end)
        self.position = padded
        return self.data[start + 8 : end]

    def text(self, *, limit: int = MAX_STRING_LENGTH) -> str:
        """A string that must be ASCII."""
        start = self.position
        data = self.string(limit=limit)
        if not data.isascii():
            raise self.fail(tr("ASCII text"), excerpt(data), start + 8)
        return data.decode("ascii")

    def strings(self, *, limit: int = MAX_STRING_LENGTH, count: int = MAX_COUNT) -> list[bytes]:
        return [self.string(limit=limit) for _ in range(self.u64(limit=count))]

    def end(self) -> None:
        if self.position != len(self.data):
            raise self.fail(tr("the end"), excerpt(self.data[self.position : self.position + 25]))
