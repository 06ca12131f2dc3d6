"""Which files of two trees differ, as far as an archive can tell: names, kinds, contents, executable bits."""

from __future__ import annotations

import os
import stat

from larix.words import tr

__all__ = ["differing_files"]

_MOST = 50


def differing_files(first: str, second: str) -> list[str]:
    """Names of what differs, relative to the trees (`.` is the root), each with a word on how; at most 50."""
    found: list[str] = []
    todo = [b""]
    left, right = os.fsencode(first), os.fsencode(second)
    while todo and len(found) < _MOST:
        name = todo.pop()
        one, two = _below(left, name), _below(right, name)
        how = _difference(one, two)
        if how:
            found.append(f"{_shown(name)}: {how}")
        elif stat.S_ISDIR(os.lstat(one).st_mode):
            names_one, names_two = set(os.listdir(one)), set(os.listdir(two))
            for entry in sorted(names_one ^ names_two):
                shown = _shown(_below(name, entry))
                found.append(
                    tr("{name}: only in the first", name=shown)
                    if entry in names_one
                    else tr("{name}: only in the second", name=shown)
                )
            todo += [_below(name, entry) for entry in sorted(names_one & names_two, reverse=True)]
    return found[:_MOST]


def _below(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder and name else folder or name


def _shown(name: bytes) -> str:
    return ascii(os.fsdecode(name or b"."))[1:-1]


def _difference(one: bytes, two: bytes) -> str | None:
    first, second = os.lstat(one), os.lstat(two)
    if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
        return tr("of different kinds")
    if stat.S_ISLNK(first.st_mode):
        return tr("links to different places") if os.readlink(one) != os.readlink(two) else None
    if not stat.S_ISREG(first.st_mode):
        return None
    if bool(first.st_mode & 0o100) != bool(second.st_mode & 0o100):
        return tr("executable in one only")
    import filecmp  # only results that differ pay for it

    return None if filecmp.cmp(one, two, shallow=False) else tr("different contents")
