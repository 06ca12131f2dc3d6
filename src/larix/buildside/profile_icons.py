"""The cache of an icon theme, `share/icons/THEME/icon-theme.cache`: which icons are in which of its folders.

Programs that use GTK read it in place of the folders. Numbers are big-endian; places are counted from the
start of the file, -1 for none; strings end with a zero byte:

    header   16 bits each: major version 1, minor 0; 32 bits from here on: places of the two tables
    icons    count of buckets; in each, by the hash of the name: place of the first icon
    icon     place of the next in the bucket, of the name, and of:
             count; folder and kinds, 16 bits each, and zero
    folders  count; names
"""

from __future__ import annotations

import os
import re
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ICONS", "icon_themes", "make_icon_cache"]

ICONS = "share/icons"

_CACHE = "icon-theme.cache"
_KINDS = {".xpm": 1, ".svg": 2, ".png": 4}
_NAME = re.compile(r"[!-~]+")  # what readers take
_NONE = 0xFFFFFFFF
_HEADER = 12
_DEPTH = 8  # of folders, should links lead in circles


def icon_themes(entries: Iterable[str]) -> list[str]:
    """The folders of themes in a profile of these entries, relative to it."""
    found: set[str] = set()
    for entry in entries:
        folder = f"{entry}/{ICONS}"
        if os.path.isdir(folder):
            themes = [name for name in os.listdir(folder) if f"{ICONS}/{name}" not in found]
            found |= {f"{ICONS}/{name}" for name in themes if any(_icons(f"{folder}/{name}"))}
    return sorted(found)


def make_icon_cache(folder: str) -> None:
    """Write the cache into the folder of a theme."""
    icons: dict[str, dict[str, int]] = {}
    for place, name, kind in _icons(folder):
        kinds = icons.setdefault(name, {})
        kinds[place] = kinds.get(place, 0) | kind
    file = f"{folder}/{_CACHE}"
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "wb") as stream:
        stream.write(_cache(icons))


def _icons(theme: str) -> Iterator[tuple[str, str, int]]:
    """Folder, name and kind of each icon; the folder relative to the theme."""
    pending = [""]
    while pending:
        place = pending.pop()
        for name in _names(f"{theme}/{place}"):
            below = f"{place}/{name}".lstrip("/")
            stem, extension = os.path.splitext(name)
            if extension in _KINDS:
                if place and _NAME.fullmatch(stem):
                    yield place, stem, _KINDS[extension]
            elif below.count("/") < _DEPTH and os.path.isdir(f"{theme}/{below}"):
                pending.append(below)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except NotADirectoryError:
        return []


def _cache(icons: dict[str, dict[str, int]]) -> bytes:
    folders = sorted({place for kinds in icons.values() for place in kinds})
    buckets: list[list[str]] = [[] for _ in range(max(1, len(icons) | 1))]
    for name in sorted(icons):
        buckets[_hash(name) % len(buckets)].append(name)
    data = bytearray(_HEADER + 4 * (1 + len(buckets)))
    firsts: list[int] = []
    for bucket in buckets:
        following = _NONE
        for name in reversed(bucket):
            following = _icon(data, name, icons[name], folders, following)
        firsts.append(following)
    places = [_string(data, each) for each in folders]
    table = len(data)
    data += pack(f">{1 + len(places)}I", len(places), *places)
    head = pack(f">HHII{1 + len(firsts)}I", 1, 0, _HEADER, table, len(firsts), *firsts)
    data[: len(head)] = head
    return bytes(data)


def _icon(data: bytearray, name: str, kinds: dict[str, int], folders: list[str], following: int) -> int:
    """Add an icon; return its place."""
    named = _string(data, name)
    listed = len(data)
    data += pack(">I", len(kinds))
    for folder, kind in sorted(kinds.items()):
        data += pack(">HHI", folders.index(folder), kind, 0)
    place = len(data)
    data += pack(">III", following, named, listed)
    return place


def _string(data: bytearray, text: str) -> int:
    place = len(data)
    data += os.fsencode(text) + b"\0"
    data += bytes(-len(data) % 4)
    return place


def _hash(name: str) -> int:
    """Thirty-one times what came before, and the next byte."""
    value = 0
    for byte in name.encode():
        value = (value * 31 + byte) & 0xFFFFFFFF
    return value
