"""The database of manual pages, `share/man/index.db`, by which `man -k` and `whatis` of man-db find them.

It is a file of GNU dbm. Keys and values end with a zero byte; the fields of a value are parted by tabs:

    NAME          its page: name (`-`: as the key), extension, section, time, nanoseconds, what it is,
                  pointer, filter, compression, description
    NAME          of several pages: nothing, and then name and extension of each
    NAME  EXT     each of these
    $version$     2.5.0

NAME as a key is in small letters. What a page is: `A` a page, `B` one that stands for another (`.so`), `C` a
name that the page `pointer` describes beside its own.
"""

from __future__ import annotations

import os
import re
import zlib
from typing import NamedTuple

from larix.buildside.gdbm_file import gdbm_file

__all__ = ["MANUAL", "is_section", "make_manual_database"]

MANUAL = "share/man"

_SECTION = re.compile(r"man(?P<section>[0-9nl][a-z]*)")
_PAGE = re.compile(r"(?P<name>.+)\.(?P<extension>[0-9nl][A-Za-z0-9+_]*)(?P<packed>\.gz)?")
_HEAD_SIZE = 1 << 15
_GZIP = 31  # zlib's number for data with a gzip header
_VERSION = "2.5.0"
_STORE_TIME = "1\t0"  # of all files in a store, in seconds and nanoseconds
_HEADING = re.compile(r"\.\s*S[Hh]\s+(?P<title>.*)")
_BREAK = re.compile(r"\s*|\.\s*(?:br|sp|P|PP|LP|SS|Ss|Pp)\b.*")
_FONTS = re.compile(r"\.\s*(?:[BI]|SM|SB|R|CW|[BIR][BIR]|FN)\s+(?P<words>.*)")
_ESCAPE = re.compile(
    r"\\(?:f(?:\[[^]]*\]|\(..|.)|s[-+]?(?:\([0-9]{2}|'[^']*'|\[[^]]*\]|[0-9])|[&|^%:/,)]|\*(?:\[[^]]*\]|\(..|.)"
    r"|m\[[^]]*\]|c$)"
)
_DASHES = re.compile(r"\\(?:-|\(em|\(en|\(mi|\[em\]|\[en\]|\(hy)")
_LETTERS = {
    "\\(aq": "'",
    "\\(dq": '"',
    "\\(lq": '"',
    "\\(rq": '"',
    "\\(cq": "'",
    "\\(oq": "'",
    "\\'": "'",
    "\\e": "\\",
}


class _Page(NamedTuple):
    """A page by its file: `described` is what it says of which names; `is_other`: by including another."""

    name: str
    extension: str
    section: str
    is_packed: bool
    described: dict[str, str]
    is_other: bool

    @property
    def description(self) -> str:
        """Of its own name, or of the first."""
        return self.described.get(self.name) or next(iter(self.described.values()), "")


def is_section(name: str) -> bool:
    return _SECTION.fullmatch(name) is not None


def make_manual_database(folder: str) -> None:
    pages: dict[tuple[str, str], _Page] = {}
    for section in sorted(filter(is_section, os.listdir(folder))):
        for name in sorted(os.listdir(f"{folder}/{section}")):
            match = _PAGE.fullmatch(name)
            if match is not None and name.isascii():
                page = _read_page(folder, section, match)
                pages.setdefault((page.name, page.extension), page)
    records = {
        key: _record(page, page.description, "B" if page.is_other else "A") for key, page in pages.items()
    }
    for page in pages.values():
        for name, description in page.described.items():
            if name.isascii() and not page.is_other:
                records.setdefault((name, page.extension), _record(page, description, "C", page.name))
    file = f"{folder}/index.db"
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "wb") as stream:
        stream.write(gdbm_file(_entries(records)))


def _entries(records: dict[tuple[str, str], str]) -> dict[bytes, bytes]:
    keys: dict[str, list[tuple[str, str]]] = {}
    for name, extension in sorted(records):
        keys.setdefault(name.lower(), []).append((name, extension))
    found = {"$version$": _VERSION}
    for key, listed in keys.items():
        if len(listed) == 1:
            name = listed[0][0]
            found[key] = f"{'-' if name == key else name}\t{records[listed[0]]}"
            continue
        found[key] = "".join(f"\t{name}\t{extension}" for name, extension in listed)
        for each in listed:
            found["\t".join(each)] = f"-\t{records[each]}"
    return {_ended(key): _ended(value) for key, value in found.items()}


def _ended(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"


def _record(page: _Page, description: str, kind: str, pointer: str = "-") -> str:
    compression = "gz" if page.is_packed else "-"
    fields = (page.extension, page.section, _STORE_TIME, kind, pointer, "-", compression)
    return "\t".join((*fields, description))


def _read_page(folder: str, section: str, match: re.Match[str]) -> _Page:
    is_packed = match["packed"] is not None
    text = _head(f"{folder}/{section}/{match[0]}", is_packed=is_packed)
    included = re.match(r"\.so\s+(?P<file>[^\s]+)\s*$", text, re.MULTILINE)
    if included is not None:
        below = included["file"] if "/" in included["file"] else f"{section}/{included['file']}"
        where = f"{folder}/{below}"
        text = _head(where, is_packed=False) or _head(f"{where}.gz", is_packed=True)
    place = section.removeprefix("man")
    return _Page(match["name"], match["extension"], place, is_packed, _described(text), included is not None)


def _head(file: str, *, is_packed: bool) -> str:
    """The beginning of a page; nothing of one that cannot be read."""
    try:
        with open(file, "rb") as stream:
            data = stream.read(_HEAD_SIZE)
        if is_packed:
            data = zlib.decompressobj(_GZIP).decompress(data, _HEAD_SIZE)
    except (OSError, zlib.error):
        return ""
    return data.decode("utf-8", "surrogateescape")


def _described(text: str) -> dict[str, str]:
    """What stands under the heading NAME: `name, name - description`, or mdoc's `.Nm` and `.Nd`."""
    words: list[str] = []
    is_name = False
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading is not None:
            if is_name:
                break
            is_name = _plain(heading["title"]).strip('" ').upper() == "NAME"
        elif is_name:
            words.append("\n" if _BREAK.fullmatch(line) else f"{_words(line)} ")
    found: dict[str, str] = {}
    for part in "".join(words).split("\n"):
        names, dash, description = re.sub(r"\s+", " ", part).partition(" - ")
        listed = [each.strip() for each in names.split(",")] if dash else []
        for name in listed:
            if name and " " not in name:
                found.setdefault(name, description.strip())
    return found


def _words(line: str) -> str:
    """What a line of the section says."""
    if line.startswith((".Nd", ". Nd")):
        return f" - {_plain(line.partition('Nd')[2]).strip()}"
    if line.startswith((".Nm", ". Nm")):
        name, _, rest = line.partition("Nm")[2].strip().partition(" ")
        return _plain(name) + ("," if rest.strip() == "," else " ")
    fonts = _FONTS.match(line)
    if fonts is not None:
        is_joined = re.match(r"\.\s*[BIR][BIR]\s", line) is not None
        words = [_plain(each.strip('"')) for each in re.findall(r'"[^"]*"|\S+', fonts["words"])]
        return ("" if is_joined else " ").join(words)
    return "" if line.startswith((".", "'")) else _plain(line)


def _plain(text: str) -> str:
    text = _ESCAPE.sub("", _DASHES.sub("-", text.replace("\\ ", " ").replace("\\~", " ")))
    for escape, letter in _LETTERS.items():
        text = text.replace(escape, letter)
    return text.replace("\t", " ")
