"""The directory of Info manuals, `share/info/dir`, made from what the manuals say of themselves.

A manual has, before its first node, any number of

    INFO-DIR-SECTION SECTION
    START-INFO-DIR-ENTRY
    * NAME: (FILE)NODE.    DESCRIPTION
    END-INFO-DIR-ENTRY

An entry belongs to the sections named since the last entry. A manual without any is listed by its file name:
readers find what a package brings, whether its author thought of this or not.
"""

from __future__ import annotations

import os
import re
import zlib

__all__ = ["INFO", "is_manual", "make_info_directory"]

INFO = "share/info"

_MANUAL = re.compile(r"(?P<name>.+)\.info(?P<packed>\.gz)?")
_HEAD_SIZE = 1 << 16
_GZIP = 31  # zlib's number for data with a gzip header
_OTHER = "Miscellaneous"
_TOP = """\
This is the directory of the Info manuals in this profile.

\x1f
File: dir,\tNode: Top,\tThis is the top of the manuals.

  `q' leaves, `?' lists the commands, `h' teaches them.
  `mNAME<Return>' goes to the manual NAME.

* Menu:
"""


def is_manual(name: str) -> bool:
    """Of a manual in several files, the first."""
    return _MANUAL.fullmatch(name) is not None


def make_info_directory(folder: str) -> None:
    """Write `dir` into a folder that has manuals, or links to them."""
    sections: dict[str, set[str]] = {}
    for name in sorted(os.listdir(folder)):
        match = _MANUAL.fullmatch(name)
        if match is None:
            continue
        found = _entries(_head(f"{folder}/{name}", is_packed=match["packed"] is not None))
        for section, entry in found or [(_OTHER, f"* {match['name']}: ({match['name']}).")]:
            sections.setdefault(section, set()).add(entry)
    text = _TOP
    for section in sorted(sections, key=_order):
        text += f"\n{section}\n" + "".join(f"{each}\n" for each in sorted(sections[section], key=_order))
    file = f"{folder}/dir"
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)


def _order(text: str) -> tuple[str, str]:
    return text.lower(), text


def _head(file: str, *, is_packed: bool) -> str:
    with open(file, "rb") as stream:
        data = stream.read(_HEAD_SIZE)
    if is_packed:
        try:
            data = zlib.decompressobj(_GZIP).decompress(data, _HEAD_SIZE)
        except zlib.error:
            return ""
    return data.partition(b"\x1f")[0].decode("utf-8", "surrogateescape")


def _entries(text: str) -> list[tuple[str, str]]:
    """Sections and entries; the lines that continue an entry are a part of it."""
    found: list[tuple[str, str]] = []
    sections: list[str] = []
    entry: list[str] | None = None
    is_after_entry = False
    for line in text.splitlines():
        if line.startswith("INFO-DIR-SECTION "):
            if is_after_entry:
                sections, is_after_entry = [], False
            sections.append(line.partition(" ")[2].strip() or _OTHER)
        elif line.startswith("START-INFO-DIR-ENTRY"):
            entry = []
        elif line.startswith("END-INFO-DIR-ENTRY") and entry is not None:
            found += [(section, each) for section in sections or [_OTHER] for each in entry]
            entry, is_after_entry = None, True
        elif entry is not None and line.startswith("*"):
            entry.append(line.rstrip())
        elif entry and line.strip():
            entry[-1] += f"\n{line.rstrip()}"
    return found
