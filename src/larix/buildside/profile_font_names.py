"""The names of fonts (X Logical Font Description), read from their files.

A bitmap font has its name in it: in BDF in the line `FONT`, in PCF among the properties. That of an outline
font is put together from what the file says: SFNT (TrueType, OpenType, and the first of a collection) in its
tables, Type 1 in the text before the part that is encrypted. It has a name for each set of characters that it
is complete for.
"""

from __future__ import annotations

import gzip
import re
import zlib
from codecs import latin_1_decode, utf_16_be_decode
from struct import error, iter_unpack, unpack_from
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["bitmap_name", "outline_names"]

_PCF, _PCF_PROPERTIES, _PCF_BIG_ENDIAN = b"\1fcp", 1, 4
_WEIGHTS = (
    (150, "thin"), (250, "extralight"), (350, "light"), (550, "medium"), (650, "semibold"), (750, "bold"),
    (850, "extrabold"), (1001, "black"),
)  # fmt: skip
_WIDTHS = (
    "ultracondensed", "extracondensed", "condensed", "semicondensed", "normal", "semiexpanded", "expanded",
    "extraexpanded", "ultraexpanded",
)  # fmt: skip
# What Type 1 calls weights, where that is another word.
_WORDS = {"normal": "medium", "regular": "medium", "roman": "medium", "book": "medium", "demi": "semibold"}
_FOUNDRIES = {
    b"ADBE": "adobe", b"AGFA": "agfa", b"B&H ": "b&h", b"BITS": "bitstream", b"IBM ": "ibm", b"ITC ": "itc",
    b"LINO": "linotype", b"MONO": "monotype", b"MS  ": "microsoft", b"URW ": "urw",
}  # fmt: skip
_NAMED = ("adobe", "bitstream", "monotype", "linotype", "urw", "ibm")
_UNICODE = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0))
# Where less than all is enough: Greek without what came in 2003, Russian without lines of boxes.
_LETTERS = {
    "iso8859-7": sorted({*range(0xA1, 0x100)} - {0xA4, 0xA5, 0xAA}),
    "koi8-r": (0xA3, 0xB3, *range(0xC0, 0x100)),
}
# Decoded here, since the library's tables may be out of sight when a font is read.
_SETS = {
    name: frozenset(
        ord(each)
        for each in bytes([*range(0x20, 0x7F), *_LETTERS.get(name, range(0xA1, 0x100))]).decode(
            name, "ignore"
        )
        if each != "\xad"  # a hyphen that is rarely drawn
    )
    for name in (*(f"iso8859-{number}" for number in range(1, 17) if number != 12), "koi8-r")
}
_FAMILY, _FULL_NAME, _BETTER_FAMILY = 1, 4, 16
_TYPE_1 = re.compile(rb"/(FamilyName|FullName|Weight|Notice)\s*\(((?:[^()\\]|\\.)*)\)")


def bitmap_name(file: str) -> str:
    data = _contents(file)
    if data.startswith(_PCF):
        try:
            return _pcf_name(data)
        except error as early:
            raise ValueError("a file that ends early") from early
    match = re.match(rb"STARTFONT .*?\nFONT\s+(-[^\r\n]*)", data, re.DOTALL)
    if match is None:
        raise ValueError("no bitmap font with a name")
    return _lower(match[1])


def _contents(file: str) -> bytes:
    with open(file, "rb") as stream:
        data = stream.read()
    try:
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except zlib.error as damage:
        raise ValueError(str(damage)) from damage


def _pcf_name(data: bytes) -> str:
    (count,) = unpack_from("<I", data, 4)
    for number in range(count):
        kind, _, _, place = unpack_from("<4I", data, 8 + 16 * number)
        if kind == _PCF_PROPERTIES:
            return _property(data, place, b"FONT")
    raise ValueError("no font with properties")


def _property(data: bytes, place: int, wanted: bytes) -> str:
    order = ">" if unpack_from("<I", data, place)[0] & _PCF_BIG_ENDIAN else "<"
    (count,) = unpack_from(f"{order}I", data, place + 4)
    strings = place + 8 + 9 * count
    strings += -9 * count % 4 + 4

    def string(at: int) -> bytes:
        return data[strings + at : data.index(b"\0", strings + at)]

    for name, _, value in iter_unpack(f"{order}IbI", data[place + 8 : place + 8 + 9 * count]):
        if string(name) == wanted:
            return _lower(string(value))
    raise ValueError("no font with a name")


def outline_names(file: str) -> list[str]:
    with open(file, "rb") as stream:
        data = stream.read()
    if data[:1] == b"\x80" or data.startswith(b"%!"):
        return _type_1_names(data)
    try:
        return _sfnt_names(data)
    except error as early:
        raise ValueError("a file that ends early") from early


def _type_1_names(data: bytes) -> list[str]:
    text = data[: data.find(b"eexec")]
    said = {key.decode(): value.decode("latin-1") for key, value in _TYPE_1.findall(text)}
    if "FamilyName" not in said:
        raise ValueError("no font with a name")
    weight = said.get("Weight", "").replace(" ", "").lower()
    slant = "r"
    if re.search(rb"/ItalicAngle\s+-?0*[.1-9]*[1-9]", text):
        slant = "o" if "oblique" in said.get("FullName", "").lower() else "i"
    is_fixed = b"/isFixedPitch true" in text
    is_standard = b"/Encoding StandardEncoding" in text
    return _names(
        foundry=_foundry_in(said.get("Notice", "")),
        family=said["FamilyName"],
        weight=_WORDS.get(weight, weight or "medium"),
        slant=slant,
        width="normal",
        is_fixed=is_fixed,
        sets=("adobe-standard", "iso10646-1", "iso8859-1") if is_standard else ("adobe-fontspecific",),
    )


def _sfnt_names(data: bytes) -> list[str]:
    start = unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    if data[start : start + 4] not in (b"\0\1\0\0", b"OTTO", b"true"):
        raise ValueError("no outline font")
    tables: dict[bytes, int] = {}
    for number in range(unpack_from(">H", data, start + 4)[0]):
        tag, _, place = unpack_from(">4sII", data, start + 12 + 16 * number)
        tables[tag] = place
    try:
        names, post, characters = tables[b"name"], tables[b"post"], tables[b"cmap"]
    except KeyError as missing:
        raise ValueError(f"a font without the table {missing}") from missing
    said = _said(data, names)
    family = said.get(_FAMILY) or said.get(_BETTER_FAMILY)
    if not family:
        raise ValueError("no font with a name")
    weight, width, vendor = 400, 5, b""
    if b"OS/2" in tables:
        weight, width = unpack_from(">HH", data, tables[b"OS/2"] + 4)
        vendor = data[tables[b"OS/2"] + 58 : tables[b"OS/2"] + 62]
    angle, _, is_fixed = unpack_from(">iII", data, post + 4)
    slant = "r" if not angle else "o" if "oblique" in said.get(_FULL_NAME, "").lower() else "i"
    return _names(
        foundry=_FOUNDRIES.get(vendor) or "misc",
        family=family,
        weight=next((word for below, word in _WEIGHTS if weight < below), "black"),
        slant=slant,
        width=_WIDTHS[min(max(width, 1), len(_WIDTHS)) - 1],
        is_fixed=bool(is_fixed),
        sets=_sets(_characters(data, characters)),
    )


def _said(data: bytes, place: int) -> dict[int, str]:
    """Names by number; those in English first, then the first of each."""
    _, count, strings = unpack_from(">HHH", data, place)
    found: dict[int, tuple[bool, str]] = {}
    for number in range(count):
        platform, _, language, kind, length, at = unpack_from(">6H", data, place + 6 + 12 * number)
        text = data[place + strings + at : place + strings + at + length]
        is_english = (platform, language) in ((3, 0x409), (1, 0), (0, 0))
        if kind not in found or (is_english and not found[kind][0]):
            decode = latin_1_decode if platform == 1 else utf_16_be_decode
            found[kind] = is_english, decode(text, "replace")[0]
    return {kind: text for kind, (_, text) in found.items()}


def _characters(data: bytes, place: int) -> set[int]:
    """The characters that a font has, from its best table of them; none for a font of symbols."""
    (count,) = unpack_from(">H", data, place + 2)
    tables: dict[tuple[int, int], int] = {}
    for number in range(count):
        platform, encoding, at = unpack_from(">HHI", data, place + 4 + 8 * number)
        tables[platform, encoding] = place + at
    for each in _UNICODE:
        if each in tables:
            form = unpack_from(">H", data, tables[each])[0]
            if form == 12:
                return set(_in_groups(data, tables[each]))
            if form == 4:
                return set(_in_segments(data, tables[each]))
    return set()


def _in_groups(data: bytes, place: int) -> Iterator[int]:
    (count,) = unpack_from(">I", data, place + 12)
    for number in range(count):
        first, last, glyph = unpack_from(">III", data, place + 16 + 12 * number)
        yield from range(first if glyph else first + 1, min(last, 0x10FFFF) + 1)


def _in_segments(data: bytes, place: int) -> Iterator[int]:
    size = unpack_from(">H", data, place + 6)[0]
    for at in range(place + 14, place + 14 + size, 2):
        last, first, delta, offset = (
            unpack_from(">H", data, at + shift)[0] for shift in (0, size + 2, 2 * size + 2, 3 * size + 2)
        )
        for character in range(first, min(last, 0xFFFE) + 1):
            if not offset:
                has = (character + delta) & 0xFFFF
            else:
                (has,) = unpack_from(">H", data, at + 3 * size + 2 + offset + 2 * (character - first))
            if has:
                yield character


def _sets(characters: set[int]) -> Iterator[str]:
    if not characters:
        yield "adobe-fontspecific"
        return
    yield "iso10646-1"
    yield from (name for name, wanted in _SETS.items() if characters >= wanted)


def _foundry_in(notice: str) -> str:
    return next((name for name in _NAMED if name in notice.lower()), "misc")


def _names(
    *, foundry: str, family: str, weight: str, slant: str, width: str, is_fixed: bool, sets: Iterable[str]
) -> list[str]:
    spacing = "m" if is_fixed else "p"
    # A hyphen parts fields; what X sets aside for patterns is no letter of a name either.
    family = re.sub(r'[-?*,"\s]+', " ", family).strip().lower()
    head = f"-{foundry}-{family}-{weight}-{slant}-{width}--0-0-0-0-{spacing}-0"
    return [f"{head}-{each}" for each in sets]


def _lower(name: bytes) -> str:
    return name.decode("latin-1").strip().lower()
