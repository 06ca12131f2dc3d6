"""The index of a catalogue: one file that answers listings and searches, of which little must be decoded.

    larix index 4 CHECKSUM
    {"stamp": …, "size": …, "parts": {NAME: [OFFSET, SIZE, CHECKSUM], …}, …}
    the parts, one after the other

Most parts are text with one line for each package, in the order of the catalogue: `name`, `version`,
`outputs`, `place` and so on as listings show them, and under `search` what is searched, in small letters. Of
the latter, and of `record` (all that is known of a package, as JSON), a part NAME`.start` holds where each
line begins, as 32-bit numbers. What belongs to a language stands under its code: `search.fr.synopsis`.

Text is searched where it lies, without making a string for each package; 10,000 packages are some 15 MB. The
file is mapped, and a part checked when it is first read: for what is damaged, the index is made anew.
"""

from __future__ import annotations

import binascii
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.errors import Location
from larix.packages.entry import Entry
from larix.words import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["COMMON_OUTPUTS", "Index", "Translation", "fold", "make_index", "read_index"]

MAGIC = b"larix index 5 %08x\n"
COMMON_OUTPUTS = ("out", "bin", "doc", "lib", "debug", "static")
# What small letters are not enough for: letters that ignoring case takes for the same.
_ALIKE = {ord("\u017f"): "s", ord("\u0131"): "i", ord("\n"): " ", ord("\t"): " "}


_LOCATION, _FOLDER = Entry._fields.index("location"), Entry._fields.index("folder")


class Translation(NamedTuple):
    synopsis: str
    description: str


class Index:
    """An index, read part by part as they are asked for; `again` makes it anew should one be damaged."""

    def __init__(
        self, header: dict[str, Any], body: memoryview, tops: Sequence[str], again: Callable[[], Index] | None
    ) -> None:
        self.header = header
        self._body = body
        self._tops = tops
        self._again = again
        self._checked: dict[str, memoryview] = {}
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

    @property
    def is_understood(self) -> bool:
        """Whether its warnings, if it has any, are in the language that is spoken now."""
        return self.header["warned_in"] == source() or not self.warnings

    def text(self, part: str) -> str:
        if part not in self._texts:
            self._texts[part] = _decoded(self._part(part))
        return self._texts[part]

    def column(self, part: str) -> list[str]:
        """The lines of a part, one for each package."""
        if part not in self._columns:
            self._columns[part] = self.text(part).split("\n") if len(self) else []
        return self._columns[part]

    def starts(self, part: str) -> Sequence[int]:
        """Where each line of a part begins in its text."""
        return self._part(f"{part}.start").cast("I")

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
        starts, part = self.starts("record"), self._part("record")
        last = starts[row + 1] - 1 if row + 1 < len(starts) else len(part)
        return cast("list[Any]", json.loads(_decoded(part[starts[row] : last])))

    def _entry(self, record: list[Any]) -> Entry:
        fields: list[Any] = [
            tuple(cast("list[str]", each)) if isinstance(each, list) else each for each in record
        ]
        file, line, column = fields[_LOCATION]
        fields[_LOCATION] = Location(_absolute(file, self._tops[int(fields[_FOLDER])]), line, column)
        return Entry._make(fields[:-1])

    def _part(self, part: str) -> memoryview:
        if part not in self._checked:
            offset, size, checksum = self.header["parts"][part]
            found = self._body[offset : offset + size]
            if binascii.crc32(found) != checksum and self._again is not None:
                made = self._again()
                self.header, self._body, self._again = made.header, made._body, None
                return self._part(part)
            self._checked[part] = found
        return self._checked[part]


def _absolute(file: str, top: str) -> str:
    return file if file.startswith("/") else f"{top}/{file}"


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

    File names below them are kept relative to `tops`, the directories of the folders. `languages` map texts
    to their translations; `more` are further parts.
    """
    parts = _Parts()
    files = [each.location.file.removeprefix(f"{tops[each.folder]}/") for each in entries]
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
            str(Location(file, *each.location[1:])).replace("\n", " ")
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
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
    records = [
        encode([*each[:_LOCATION], (file, *each.location[1:]), *each[_LOCATION + 1 :], found])
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
        "warned_in": source(),
        "size": len(body),
        "parts": parts.places,
    }
    described = json.dumps(header).encode() + b"\n"
    content = b"".join((_first_line(described), described, body))
    return content, Index(header, memoryview(body), tops, None)


def _first_line(header: bytes) -> bytes:
    return MAGIC % binascii.crc32(header)


def read_index(file: str, tops: Sequence[str], again: Callable[[], Index]) -> Index | None:
    """The index in a file; None when there is none, or none that is whole and of this format."""
    import mmap

    try:
        with open(file, "rb") as stream:
            first, second = stream.readline(), stream.readline()
            if first != _first_line(second):
                return None
            header: Any = json.loads(second)
            mapped = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        body = mapped[len(first) + len(second) :]
        is_usable = len(body) == header["size"] and header["byteorder"] == sys.byteorder
        return Index(header, body, tops, again) if is_usable else None
    except (OSError, ValueError):
        return None


class _Parts:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.places: dict[str, tuple[int, int, int]] = {}
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
        self.places[name] = (self._size, len(piece), binascii.crc32(piece))
        self.pieces.append(piece)
        self._size += len(piece)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # for names of files


def _decoded(text: memoryview) -> str:
    return str(text, "utf-8", "surrogateescape")


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
