"""The index of a catalogue: one file that answers listings and searches, of which little must be decoded.

    larix index 3
    {"stamp": …, "size": …, "crc": …, "parts": {NAME: [OFFSET, SIZE], …}, …}
    the parts, one after the other

Most parts are text with one line for each package, in the order of the catalogue: `name`, `version`,
`outputs`, `place` and so on as listings show them, and under `search` what is searched, in small letters. Of
the latter, and of `record` (all that is known of a package, as JSON), a part NAME`.start` holds where each
line begins, as 32-bit numbers. What belongs to a language stands under its code: `search.fr.synopsis`.

Text is searched where it lies, without making a string for each package; 10,000 packages are some 10 MB.
"""

from __future__ import annotations

import binascii
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.errors import Location
from larix.packages.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["COMMON_OUTPUTS", "Index", "Translation", "fold", "make_index", "read_index"]

MAGIC = b"larix index 3\n"
COMMON_OUTPUTS = ("out", "bin", "doc", "lib", "debug", "static")
# What small letters are not enough for: letters that ignoring case takes for the same.
_ALIKE = {ord("\u017f"): "s", ord("\u0131"): "i", ord("\n"): " ", ord("\t"): " "}


class Translation(NamedTuple):
    synopsis: str
    description: str


class Index:
    """An index in memory; parts are decoded when they are asked for."""

    def __init__(self, header: dict[str, Any], body: bytes, tops: Sequence[str]) -> None:
        self.header = header
        self._body = body
        self._tops = tops
        self._texts: dict[str, str] = {}
        self._columns: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return cast("int", self.header["count"])

    @property
    def languages(self) -> Sequence[str]:
        return cast("list[str]", self.header["languages"])

    @property
    def warnings(self) -> Sequence[tuple[str, Location | None, str | None]]:
        read: list[Any] = json.loads(self.text("warnings"))
        return [(message, Location(*place) if place else None, hint) for message, place, hint in read]

    def text(self, part: str) -> str:
        if part not in self._texts:
            self._texts[part] = _decoded(self._bytes(part))
        return self._texts[part]

    def column(self, part: str) -> list[str]:
        """The lines of a part, one for each package."""
        if part not in self._columns:
            self._columns[part] = self.text(part).split("\n") if len(self) else []
        return self._columns[part]

    def starts(self, part: str) -> Sequence[int]:
        """Where each line of a part begins in its text."""
        return memoryview(self._bytes(f"{part}.start")).cast("I")

    def entry(self, row: int) -> Entry:
        return self._entry(self._record(row))

    def translation(self, row: int, language: str) -> Translation | None:
        found: dict[str, list[str]] = self._record(row)[-1]
        return Translation(*found[language]) if language in found else None

    def entries(self) -> list[Entry]:
        """All of them, for those who look at everything."""
        return [self._entry(each) for each in json.loads(f"[{','.join(self.column('record'))}]")]

    def _record(self, row: int) -> list[Any]:
        if "record" in self._columns:
            return cast("list[Any]", json.loads(self._columns["record"][row]))
        offset, size = self.header["parts"]["record"]
        starts = self.starts("record")
        last = starts[row + 1] - 1 if row + 1 < len(starts) else size
        return cast("list[Any]", json.loads(_decoded(self._body[offset + starts[row] : offset + last])))

    def _entry(self, record: list[Any]) -> Entry:
        fields: list[Any] = [
            tuple(cast("list[str]", each)) if isinstance(each, list) else each for each in record[:-1]
        ]
        made: Entry = Entry._make(fields)
        file, line, column = cast("tuple[str, int, int]", made.location)
        return made._replace(location=Location(os.path.join(self._tops[made.folder], file), line, column))

    def _bytes(self, part: str) -> bytes:
        offset, size = self.header["parts"][part]
        return self._body[offset : offset + size]


def fold(text: str) -> str:
    """Text as it is searched: in small letters, on one line."""
    return text.lower().translate(_ALIKE) if not text.isascii() else text.lower().replace("\n", " ")


def make_index(
    stamp: object,
    entries: Sequence[Entry],
    tops: Sequence[str],
    *,
    system: str,
    languages: Mapping[str, Mapping[str, str]],
    warnings: Iterable[tuple[str, Location | None, str | None]],
    more: Mapping[str, str],
) -> tuple[bytes, Index]:
    """The bytes of an index, and what reading them gives.

    File names are kept relative to `tops`, the directories of the folders. `languages` map texts to their
    translations; `more` are further parts.
    """
    parts = _Parts()
    files = [os.path.relpath(each.location.file, tops[each.folder]) for each in entries]
    translations = [
        {
            language: [texts.get(each.synopsis, each.synopsis), texts.get(each.description, each.description)]
            for language, texts in languages.items()
            if each.synopsis in texts or each.description in texts
        }
        for each in entries
    ]
    parts.add("name", [each.name for each in entries])
    parts.add("version", [each.version for each in entries])
    parts.add("outputs", [",".join(each.outputs) for each in entries])
    parts.add("folder", [str(each.folder) for each in entries])
    parts.add(
        "place",
        [
            str(each.location._replace(file=file)).replace("\n", " ")
            for each, file in zip(entries, files, strict=True)
        ],
    )
    parts.add("listed", ["1" if _is_listed(each, system) else "" for each in entries])
    parts.add_searched("search.name", [each.name for each in entries])
    parts.add_searched("search.upstream", [each.upstream_name or "" for each in entries])
    parts.add_searched("search.file", [_base_name(file) for file in files])
    parts.add_searched("search.output", [" ".join(_uncommon(each.outputs)) for each in entries])
    parts.add_searched("search.synopsis", [each.synopsis for each in entries])
    parts.add_searched("search.description", [each.description for each in entries])
    for language in languages:
        for number, field in enumerate(Translation._fields):
            texts = [
                found[language][number] if language in found else getattr(each, field)
                for each, found in zip(entries, translations, strict=True)
            ]
            parts.add_searched(f"search.{language}.{field}", texts)
    records = [
        json.dumps([*each._replace(location=each.location._replace(file=file)), found], ensure_ascii=False)
        for each, file, found in zip(entries, files, translations, strict=True)
    ]
    parts.add("record", records, starts_in_bytes=True)
    parts.add("warnings", [json.dumps(list(warnings))])
    for name, text in more.items():
        parts.add(name, [text])
    body = b"".join(parts.pieces)
    header: dict[str, Any] = {
        "stamp": stamp,
        "byteorder": sys.byteorder,
        "count": len(entries),
        "languages": list(languages),
        "size": len(body),
        "crc": binascii.crc32(body),
        "parts": parts.places,
    }
    return b"".join((MAGIC, json.dumps(header).encode(), b"\n", body)), Index(header, body, tops)


def read_index(file: str, tops: Sequence[str]) -> Index | None:
    """The index in a file; None when there is none, or none that is whole and of this format."""
    try:
        with open(file, "rb") as stream:
            if stream.readline() != MAGIC:
                return None
            header: Any = json.loads(stream.readline())
            body = stream.read()
        is_whole = header["size"] == len(body) and header["crc"] == binascii.crc32(body)
        return Index(header, body, tops) if is_whole and header["byteorder"] == sys.byteorder else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Parts:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.places: dict[str, tuple[int, int]] = {}
        self._size = 0

    def add(self, name: str, lines: Sequence[str], *, starts_in_bytes: bool = False) -> None:
        encoded = [_encoded(each) for each in lines]
        self._append(name, b"\n".join(encoded))
        if starts_in_bytes:
            self._append(f"{name}.start", _starts(map(len, encoded)))

    def add_searched(self, name: str, lines: Sequence[str]) -> None:
        folded = [fold(each) for each in lines]
        self._append(name, _encoded("\n".join(folded)))
        self._append(f"{name}.start", _starts(map(len, folded)))

    def _append(self, name: str, piece: bytes) -> None:
        self.places[name] = (self._size, len(piece))
        self.pieces.append(piece)
        self._size += len(piece)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # for names of files


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _starts(lengths: Iterable[int]) -> bytes:
    import struct

    starts: list[int] = []
    position = 0
    for length in lengths:
        starts.append(position)
        position += length + 1
    return struct.pack(f"={len(starts)}I", *starts)


def _is_listed(entry: Entry, system: str) -> bool:
    return not entry.is_hidden and entry.superseded_by is None and system in entry.systems


def _uncommon(outputs: Iterable[str]) -> list[str]:
    return [each for each in outputs if each not in COMMON_OUTPUTS]


def _base_name(file: str) -> str:
    return os.path.basename(file).removesuffix(".py")
