r"""The subset of ATerm that derivations are written in.

    string  = '"' (char | '\"' | '\\' | '\n' | '\r' | '\t')* '"'
    list    = "[" [item ("," item)*] "]"          tuple = "(" item ("," item)* ")"

No white space anywhere. Strings are bytes of any encoding; the five escapes stand for the only characters
that must not appear bare, and no other escape is accepted, so that one value has one spelling.

    >>> quote(b'say "hi"')
    b'"say \\"hi\\""'
"""

from __future__ import annotations

from functools import cache
from re import Pattern
from re import compile as compile_pattern
from typing import TYPE_CHECKING

from larix.formats.errors import FormatError, excerpt
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ESCAPED", "BadAterm", "Scanner", "escape", "print_list", "print_pairs", "print_strings", "quote"]

ESCAPED = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}  # in this order: the backslash first
_ESCAPED = [(char.encode(), escape.encode()) for char, escape in ESCAPED.items()]
_UNESCAPED = {escape[1:]: char for char, escape in _ESCAPED}
_BARE = b"\n\r\t"


@cache
def _pair_pattern() -> Pattern[bytes]:
    # Compiled when first asked for: compiling takes longer than loading this module.
    string = rb'"([^"\\\n\r\t]*(?:\\[nrt"\\][^"\\\n\r\t]*)*)"'
    return compile_pattern(rb"\(%b,%b\)" % (string, string))


class BadAterm(FormatError):
    noun = mark("term")


def escape(data: bytes) -> bytes:
    for char, replacement in _ESCAPED:
        if char in data:
            data = data.replace(char, replacement)
    return data


def quote(data: bytes) -> bytes:
    return b'"%b"' % escape(data)


def print_list(items: Iterable[bytes]) -> bytes:
    """A list of terms that are printed already."""
    return b"[%b]" % b",".join(items)


def print_strings(strings: Iterable[bytes]) -> bytes:
    escaped = _escape_all(list(strings))
    return b'["%b"]' % b'","'.join(escaped) if escaped else b"[]"


def print_pairs(pairs: Mapping[bytes, bytes]) -> bytes:
    """A list of tuples of two strings."""
    names, values = _escape_all(list(pairs)), _escape_all(list(pairs.values()))
    return b'[("%b")]' % b'"),("'.join(map(b'","'.join, zip(names, values, strict=True))) if names else b"[]"


def _escape_all(strings: list[bytes]) -> list[bytes]:
    together = b"".join(strings)
    return (
        [escape(string) for string in strings] if any(char in together for char, _ in _ESCAPED) else strings
    )


class Scanner:
    """Reads a term from the left; `position` is the offset of the next byte."""

    __slots__ = ("_is_bare", "position", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.position = 0
        self._is_bare = not any(char in text for char in b"\n\r\t\\")  # every string is as it stands

    def fail(self, expected: str, at: int | None = None) -> BadAterm:
        at = self.position if at is None else at
        found = excerpt(self.text[at : at + 25]) if at < len(self.text) else tr("the end")
        return BadAterm(offset=at, expected=expected, found=found)

    def literal(self, wanted: bytes) -> None:
        if not self.text.startswith(wanted, self.position):
            raise self.fail(f"`{wanted.decode('ascii')}`")
        self.position += len(wanted)

    def string(self) -> bytes:
        text = self.text
        start = self.position + 1
        if text[start - 1 : start] != b'"':
            raise self.fail(tr("a string"))
        end = text.find(b'"', start)
        if not self._is_bare:
            while end > 0 and text[end - 1] == 0x5C and self._is_escaped(start, end):
                end = text.find(b'"', end + 1)
        if end < 0:
            raise self.fail(tr('a closing `"`'), len(text))
        self.position = end + 1
        return self._unescape(text[start:end], start)

    def _is_escaped(self, start: int, quote_at: int) -> bool:
        at = quote_at
        while at > start and self.text[at - 1] == 0x5C:
            at -= 1
        return (quote_at - at) % 2 == 1

    def _unescape(self, raw: bytes, start: int) -> bytes:
        if self._is_bare:
            return raw
        for bare in _BARE:
            if bare in raw:
                raise self.fail(tr("an escape sequence"), start + raw.index(bare))
        at = raw.find(b"\\")
        if at < 0:
            return raw
        pieces: list[bytes] = []
        done = 0
        while at >= 0:
            char = _UNESCAPED.get(raw[at + 1 : at + 2])
            if char is None:
                raise self.fail(tr(r"one of `\n`, `\r`, `\t`, `\"`, `\\`"), start + at)
            pieces += (raw[done:at], char)
            done = at + 2
            at = raw.find(b"\\", done)
        pieces.append(raw[done:])
        return b"".join(pieces)

    def ascii_string(self) -> str:
        at = self.position
        try:
            return self.string().decode("ascii")
        except UnicodeDecodeError as error:
            raise self.fail(tr("a string of ASCII characters"), at) from error

    def next_item(self, *, first: bool) -> bool:
        """After `[` or an item of a list: true before a further item, false behind the closing bracket."""
        char = self.text[self.position : self.position + 1]
        if char == b"]":
            self.position += 1
            return False
        if not first:
            if char != b",":
                raise self.fail(tr("`,` or `]`"))
            self.position += 1
        return True

    def strings(self) -> list[bytes]:
        self.literal(b"[")
        found: list[bytes] = []
        while self.next_item(first=not found):
            found.append(self.string())
        return found

    def ascii_strings(self) -> list[str]:
        self.literal(b"[")
        found: list[str] = []
        while self.next_item(first=not found):
            found.append(self.ascii_string())
        return found

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """A list of tuples of two strings."""
        match_pair = _pair_pattern().match
        self.literal(b"[")
        found: list[tuple[bytes, bytes]] = []
        while self.next_item(first=not found):
            start = self.position
            match = match_pair(self.text, start)
            if match is None:
                raise self._failing_pair()
            name, value = match.groups()
            found.append((self._unescape(name, start), self._unescape(value, start)))
            self.position = match.end()
        return found

    def _failing_pair(self) -> BadAterm:
        """What is wrong with the pair at hand, found by reading it step by step."""
        start = self.position
        try:
            for step in (b"(", None, b",", None, b")"):
                if step is None:
                    self.string()
                else:
                    self.literal(step)
        except BadAterm as error:
            return error
        return self.fail(tr("a pair of strings"), start)

    def end(self) -> None:
        if self.position != len(self.text):
            raise self.fail(tr("the end"))
