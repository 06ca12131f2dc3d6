"""The framing that archives, exports and the worker protocol have in common.

    u64      eight bytes, little-endian
    string   u64 length, the bytes, zero bytes up to a multiple of eight
    strings  u64 count, that many strings
    frames   { u64 length above 0, the bytes } u64 0

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
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "MAX_STRING_LENGTH",
    "BadWire",
    "Reader",
    "StreamReader",
    "WireTruncated",
    "encode_string",
    "encode_strings",
    "encode_u64",
]

MAX_STRING_LENGTH = 1 << 16  # unless the caller says otherwise: paths, names, signatures are far shorter
MAX_COUNT = 1 << 20

encode_u64 = Struct("<Q").pack
_read_u64 = Struct("<Q").unpack_from
_NUMBER = mark("a number of eight bytes")
_LENGTH = mark("the length of a string")
_STRING = mark("a string of {length} bytes")
_MORE = mark("more bytes")
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

    `base` is the offset of the first byte in a longer input, for the messages of errors. `refused` is about
    the first value that was well framed and yet made no sense to who read it: what follows can still be read.
    """

    __slots__ = ("base", "data", "position", "refused")

    def __init__(self, data: bytes, *, base: int = 0) -> None:
        self.data = data
        self.base = base
        self.position = 0
        self.refused: FormatError | None = None

    def refuse(self, error: FormatError) -> None:
        """Note that a value makes no sense."""
        self.refused = self.refused or error

    def check(self) -> None:
        """Raise what was refused, once."""
        refused, self.refused = self.refused, None
        if refused is not None:
            raise refused

    def fail(self, expected: str, found: str, at: int | None = None) -> BadWire:
        at = self.position if at is None else at
        return BadWire(offset=self.base + at, expected=expected, found=found)

    def _truncated(self, expected: str, length: int) -> WireTruncated:
        return WireTruncated(
            offset=self.base + len(self.data), expected=tr(expected, length=length), found=tr("the end")
        )

    def need(self, size: int, expected: str, length: int = 0) -> None:
        """See to it that `size` bytes stand behind `position`, which may change together with `data`."""
        if len(self.data) - self.position < size:
            raise self._truncated(expected, length)

    def u64(self, *, limit: int = (1 << 64) - 1) -> int:
        self.need(8, _NUMBER)
        number: int = _read_u64(self.data, self.position)[0]
        if number > limit:
            raise self.fail(tr("a number of at most {limit}", limit=limit), f"{number}")
        self.position += 8
        return number

    def boolean(self) -> bool:
        return bool(self.u64(limit=1))

    def string(self, *, limit: int = MAX_STRING_LENGTH) -> bytes:
        self.need(8, _LENGTH)
        length: int = _read_u64(self.data, self.position)[0]
        if length > limit:
            raise self.fail(
                tr("a string of at most {limit} bytes", limit=limit), tr("one of {length}", length=length)
            )
        padded = length + 7 & ~7
        self.need(8 + padded, _STRING, length)
        start = self.position + 8
        end = start + length
        padding = self.data[end : start + padded]
        if padding.strip(b"\0"):
            raise self.fail(tr("zero bytes up to a multiple of eight"), excerpt(padding), end)
        self.position = start + padded
        return self.data[start:end]

    def text(self, *, limit: int = MAX_STRING_LENGTH) -> str:
        """A string that must be ASCII."""
        data = self.string(limit=limit)
        if not data.isascii():
            at = self.position - (len(data) + 7 & ~7)
            raise self.fail(tr("ASCII text"), excerpt(data), at)
        return data.decode("ascii")

    def strings(self, *, limit: int = MAX_STRING_LENGTH, count: int = MAX_COUNT) -> list[bytes]:
        return [self.string(limit=limit) for _ in range(self.u64(limit=count))]

    def end(self) -> None:
        if self.position != len(self.data):
            raise self.fail(tr("the end"), excerpt(self.data[self.position : self.position + 25]))


class StreamReader(Reader):
    """Reads values from a stream; it waits for what a value needs, and holds little more than that.

    `receive(size)` gives some bytes, about `size` if there are so many, and none at the end of the stream.
    """

    __slots__ = ("_receive",)

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        super().__init__(b"")
        self._receive = receive

    def need(self, size: int, expected: str, length: int = 0) -> None:
        have = len(self.data) - self.position
        if have >= size:
            return
        pieces = [self.data[self.position :]]
        self.base += self.position
        while have < size:
            piece = self._receive(max(size - have, MAX_STRING_LENGTH))
            if not piece:
                self.data, self.position = b"".join(pieces), 0
                raise self._truncated(expected, length)
            pieces.append(piece)
            have += len(piece)
        self.data, self.position = b"".join(pieces), 0

    def is_at_end(self) -> bool:
        """Whether nothing follows; waits until something does or the stream ends."""
        try:
            self.need(1, _MORE)
        except WireTruncated:
            return True
        return False

    def some(self, size: int) -> bytes:
        """Between one and `size` bytes, as they are."""
        self.need(1, _MORE)
        piece = self.data[self.position : self.position + size]
        self.position += len(piece)
        return piece

    def give_back(self, data: bytes) -> None:
        """Put bytes that were read too many in front again."""
        self.data = data + self.data[self.position :]
        self.base += self.position - len(data)
        self.position = 0

    def frames(self) -> Iterator[bytes]:
        """What frames hold, in pieces: each is its length and so many bytes, and the last has length 0."""
        while left := self.u64():
            while left:
                piece = self.some(min(left, MAX_STRING_LENGTH))
                left -= len(piece)
                yield piece
