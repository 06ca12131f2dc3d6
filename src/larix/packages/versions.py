"""The order of versions, and prefixes of them.

Versions are compared part by part, a part being a run of digits or of letters; what else there is separates.
A number is newer than a word, and `pre`, `rc`, `beta`, `alpha` and `dev` are older than nothing at all; so
are `a` and `b` before a number, while 3.3a comes after 3.3.
"""

from __future__ import annotations

import re
from typing import TypeAlias

__all__ = ["VersionKey", "compare_versions", "split_name", "version_key", "version_matches"]

VersionKey: TypeAlias = tuple[tuple[int, int, str], ...]

_VERSIONED = re.compile(r"(.+?)-([0-9].*)")
_PARTS = re.compile(r"[0-9]+|[A-Za-z]+")
_EARLY = {"dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "pre": 3, "rc": 4}
_END, _WORD, _NUMBER = 5, 6, 7


def split_name(text: str) -> tuple[str, str]:
    """NAME and VERSION of NAME-VERSION, the version starting at the first hyphen before a digit, or empty."""
    match = _VERSIONED.fullmatch(text)
    return (match[1], match[2]) if match else (text, "")


def version_matches(version: str, prefix: str | None) -> bool:
    """Whether the prefix is the version, or ends at a boundary in it."""
    if prefix is None or version == prefix:
        return True
    return version.startswith(prefix) and (not prefix[-1].isalnum() or not version[len(prefix)].isalnum())


def version_key(version: str) -> VersionKey:
    """A key that sorts older versions first."""
    parts: list[tuple[int, int, str]] = []
    for match in _PARTS.finditer(version):
        part = match.group()
        if part.isdigit():
            parts.append((_NUMBER, int(part), ""))
        elif part in {"a", "b"} and not version[match.end() : match.end() + 1].isdigit():
            parts.append((_WORD, 0, part))
        else:
            parts.append((_EARLY.get(part.lower(), _WORD), 0, part))
    return (*parts, (_END, 0, ""))


def compare_versions(one: str, other: str) -> int:
    """Negative when the first is older, positive when it is newer, 0 when they are as good as the same."""
    first, second = version_key(one), version_key(other)
    return (first > second) - (first < second)
