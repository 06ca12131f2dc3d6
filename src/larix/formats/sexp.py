r"""S-expressions as libgcrypt writes them and Guix keeps keys, signatures and access lists in.

    sexp   = "(" { sexp | atom } ")"
    atom   = TOKEN | "#" hexadecimal "#" | DIGITS ":" so many bytes | '"' text with \ escapes '"'

An expression is a tuple of expressions and bytes. What is printed has the layout of libgcrypt's "advanced"
format, to the byte.
"""

from __future__ import annotations

import re
from typing import TypeAlias, Union

from larix.formats.errors import FormatError, excerpt
from larix.words import mark, tr

__all__ = ["BadSexp", "Sexp", "find", "parse_sexp", "print_sexp"]

Sexp: TypeAlias = Union[bytes, tuple["Sexp", ...]]  # noqa: UP007 - a name for itself needs it

_MAX_DEPTH = 32
_SPACE = re.compile(rb"(?:\s|;[^\n]*\n)*")
_TOKEN = re.compile(rb"[A-Za-z\-./_:*+=][A-Za-z0-9\-./_:*+=]*")
_HEXADECIMAL = re.compile(rb"#([0-9A-Fa-f\s]*)#")
_VERBATIM = re.compile(rb"([1-9][0-9]{0,5}|0):")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|[0-7]{3}|\r?\n|.)", re.DOTALL)
_ESCAPES = {b"b": b"\b", b"t": b"\t", b"v": b"\v", b"n": b"\n", b"f": b"\f", b"r": b"\r"}
_ESCAPED = {value[0]: b"\\" + key for key, value in _ESCAPES.items()} | {0x22: b'\\"', 0x5C: b"\\\\"}


class BadSexp(FormatError):
    noun = mark("s-expression")


def parse_sexp(data: bytes) -> Sexp:
    """The one expression in `data`. Raises BadSexp."""
    open_lists: list[list[Sexp]] = [[]]
    at = _after_space(data, 0)
    while at < len(data):
        if data[at : at + 1] == b"(":
            open_lists.append([])
            if len(open_lists) > _MAX_DEPTH:
                raise _bad(data, at, tr("fewer lists inside each other"))
            at += 1
        elif data[at : at + 1] == b")":
            if len(open_lists) == 1:
                raise _bad(data, at, tr("a list that was begun"))
            done = tuple(open_lists.pop())
            open_lists[-1].append(done)
            at += 1
        else:
            atom, at = _atom(data, at)
            open_lists[-1].append(atom)
        at = _after_space(data, at)
        if len(open_lists) == 1 and at < len(data):
            raise _bad(data, at, tr("the end"))
    if len(open_lists) != 1 or len(open_lists[0]) != 1:
        raise _bad(data, at, tr("more of the list"))
    return open_lists[0][0]


def _after_space(data: bytes, at: int) -> int:
    found = _SPACE.match(data, at)
    return found.end() if found else at


def _bad(data: bytes, at: int, expected: str) -> BadSexp:
    return BadSexp(
        offset=at, expected=expected, found=excerpt(data[at:]) if at < len(data) else tr("the end")
    )


def _atom(data: bytes, at: int) -> tuple[bytes, int]:
    if found := _TOKEN.match(data, at):
        return found[0], found.end()
    if found := _HEXADECIMAL.match(data, at):
        digits = b"".join(found[1].split())
        if len(digits) % 2:
            raise _bad(data, at, tr("an even number of hexadecimal digits"))
        return bytes.fromhex(digits.decode()), found.end()
    if found := _VERBATIM.match(data, at):
        end = found.end() + int(found[1])
        if end > len(data):
            raise _bad(data, at, tr("more bytes"))
        return data[found.end() : end], end
    if found := _QUOTED.match(data, at):
        return _ESCAPE.sub(_unescaped, found[1]), found.end()
    raise _bad(data, at, tr("a list, a word or a number"))


def _unescaped(found: re.Match[bytes]) -> bytes:
    code: bytes = found[1]
    if code.startswith(b"x"):
        return bytes.fromhex(code[1:].decode())
    if code.isdigit() and len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    return b"" if code.endswith(b"\n") else _ESCAPES.get(code, code)


def print_sexp(sexp: Sexp) -> bytes:
    """With a newline at the end."""
    return _printed(sexp, 0) + b"\n"


def _printed(sexp: Sexp, depth: int) -> bytes:
    if isinstance(sexp, bytes):
        return _printed_atom(sexp)
    parts = [b"("]
    for index, each in enumerate(sexp):
        if isinstance(each, tuple):
            parts += [b"\n", b" " * (depth + 1), _printed(each, depth + 1)]
            if index + 1 == len(sexp) or isinstance(sexp[index + 1], bytes):
                parts += [b"\n", b" " * (depth + 1)]
        else:
            parts.append(_printed_atom(each))
            if index + 1 < len(sexp):
                parts.append(b" ")
    parts.append(b")")
    return b"".join(parts)


def _printed_atom(atom: bytes) -> bytes:
    """A word where it looks like one, quoted where it can be read, in hexadecimal digits otherwise."""
    if not atom:
        return b'""'
    special = any((byte < 0x20 or 0x7F <= byte <= 0xA0) and byte not in _ESCAPED for byte in atom)
    if atom[0] & 0x80 or not atom[0] or special:
        return b"#%b#" % atom.hex().upper().encode()
    if _TOKEN.fullmatch(atom):
        return atom
    return b'"%b"' % b"".join(_ESCAPED.get(byte, bytes([byte])) for byte in atom)


def find(sexp: Sexp, name: bytes) -> tuple[Sexp, ...] | None:
    """The first list that begins with the word `name`, at any depth."""
    if isinstance(sexp, bytes):
        return None
    if sexp and sexp[0] == name:
        return sexp
    return next((found for each in sexp if (found := find(each, name)) is not None), None)
