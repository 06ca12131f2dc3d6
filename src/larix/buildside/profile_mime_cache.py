"""`share/mime/mime.cache`: the database of file types in the form that programs map into memory.

Version 1.2 of the Shared MIME-info specification. Numbers are big-endian, of 32 bits but for two in the
header; places are counted from the start of the file; strings end with a zero byte.

    header       major, minor; places of the ten tables below
    aliases      count; other name, type
    parents      count; type, place of: count; parents
    literals     count; name of a file, type, weight
    suffixes     count and place of the roots of a tree of characters, read from the end of a name:
                 character, count and place of those before it; or zero, type, weight
    globs        count; pattern, type, weight
    magic        count, bytes that must be read of a file, place of: priority, type, count and place of:
                 start, length, word, size, place of the value, of the mask or zero, count and place of more
    namespaces   count; URI, element, type
    icons        count; type, icon; then generic icons the same
    types        count; type

A weight has 0x100 added to it where capital letters and small ones differ. Tables are sorted as bytes.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

from larix.buildside.profile_mime_types import NO_MAGIC, Glob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.buildside.profile_mime_types import Match, Types

__all__ = ["mime_cache"]

_HEADER = 4 + 10 * 4
_CASED = 0x100
_SPECIAL = frozenset("*?[\\")


class _Writer:
    """The file as it grows, each string in it once."""

    def __init__(self) -> None:
        self.data = bytearray(_HEADER)
        self._placed: dict[bytes, int] = {}

    def string(self, text: str) -> int:
        return self.piece(text.encode() + b"\0")

    def piece(self, data: bytes) -> int:
        if data not in self._placed:
            self._align()
            self._placed[data] = len(self.data)
            self.data += data
        return self._placed[data]

    def table(self, rows: Sequence[Sequence[int]]) -> int:
        """Rows of numbers, one after the other; their place."""
        self._align()
        place = len(self.data)
        for row in rows:
            self.data += pack(f">{len(row)}I", *row)
        return place

    def counted(self, rows: Sequence[Sequence[int]]) -> int:
        return self.table([(len(rows),), *rows])

    def _align(self) -> None:
        self.data += bytes(-len(self.data) % 4)


def mime_cache(types: Types) -> bytes:
    writer = _Writer()
    string = writer.string
    literals, suffixes, globs = _sorted_globs(types)
    parents = [
        (string(name), writer.counted([(string(each),) for each in listed]))
        for name, listed in sorted(types.parents.items())
    ]
    roots = sorted(types.roots.items())
    tables = [
        writer.counted([(string(alias), string(name)) for alias, name in sorted(types.aliases.items())]),
        writer.counted(parents),
        writer.counted([_glob_row(writer, glob) for glob in literals]),
        _suffix_tree(writer, suffixes),
        writer.counted([_glob_row(writer, glob) for glob in globs]),
        _magic(writer, types),
        writer.counted([(string(uri), string(local), string(name)) for (uri, local), name in roots]),
        writer.counted([(string(name), string(icon)) for name, icon in sorted(types.icons.items())]),
        writer.counted([(string(name), string(icon)) for name, icon in sorted(types.generic_icons.items())]),
        writer.counted([(string(name),) for name in sorted(types.elements)]),
    ]
    writer.data[:_HEADER] = pack(">HH10I", 1, 2, *tables)
    return bytes(writer.data)


def _sorted_globs(types: Types) -> tuple[list[Glob], list[Glob], list[Glob]]:
    """Whole names, endings of names, and all other patterns."""
    literals = [Glob(0, name, "__NOGLOBS__", cased=False) for name in types.globless]
    suffixes: list[Glob] = []
    others: list[Glob] = []
    for glob in types.globs.values():
        if not _SPECIAL & set(glob.pattern):
            literals.append(glob)
        elif glob.pattern.startswith("*") and not _SPECIAL & set(glob.pattern[1:]):
            suffixes.append(glob)
        else:
            others.append(glob)
    for listed in (literals, suffixes, others):
        listed.sort(key=lambda glob: (glob.pattern, -glob.weight, glob.type, glob.cased))
    return literals, suffixes, others


def _glob_row(writer: _Writer, glob: Glob) -> tuple[int, int, int]:
    return writer.string(glob.pattern), writer.string(glob.type), _weight(glob)


def _weight(glob: Glob) -> int:
    return glob.weight | (_CASED if glob.cased else 0)


def _suffix_tree(writer: _Writer, globs: Sequence[Glob]) -> int:
    rows = _suffixes(writer, [(glob.pattern[:0:-1], glob) for glob in globs])
    count, place = len(rows), writer.table(rows)
    return writer.table([(count, place)])


def _suffixes(writer: _Writer, rest: Sequence[tuple[str, Glob]]) -> list[tuple[int, int, int]]:
    """The rows of one level, for endings of which `rest` is to come; what is below is written before."""
    rows = [(0, writer.string(glob.type), _weight(glob)) for text, glob in rest if not text]
    below: dict[str, list[tuple[str, Glob]]] = {}
    for text, glob in rest:
        if text:
            below.setdefault(text[0], []).append((text[1:], glob))
    for character, listed in sorted(below.items()):
        children = _suffixes(writer, listed)
        rows.append((ord(character), len(children), writer.table(children)))
    return rows


def _magic(writer: _Writer, types: Types) -> int:
    deleted = [(0, name, (NO_MAGIC,)) for name in sorted(types.magicless)]
    listed = [*deleted, *sorted(types.magic, key=lambda entry: (-entry[0], entry[1]))]
    rows = [
        (priority, writer.string(name), len(matches), writer.table(_matches(writer, matches)))
        for priority, name, matches in listed
    ]
    extent = max((_extent(match) for _, _, matches in listed for match in matches), default=0)
    place = writer.table(rows)
    return writer.table([(len(rows), extent, place)])


def _matches(writer: _Writer, matches: Sequence[Match]) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for match in matches:
        inner = writer.table(_matches(writer, match.inner)) if match.inner else 0
        mask = 0 if match.mask is None else writer.piece(match.mask)
        value = writer.piece(match.value)
        rows.append(
            (match.start, match.length, match.word, len(match.value), value, mask, len(match.inner), inner)
        )
    return rows


def _extent(match: Match) -> int:
    return max(match.start + match.length + len(match.value), *map(_extent, match.inner), 0)
