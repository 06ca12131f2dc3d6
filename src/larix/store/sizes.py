"""Amounts of storage as people write them: a number and a unit, such as `500M`, `1.5GiB` or `2 TB`."""

from __future__ import annotations

import re

from larix.errors import LarixError
from larix.words import mark, tr

__all__ = ["BadSize", "parse_size", "shown_size"]

_UNITS = {"": 1, "B": 1, "k": 1024, "kB": 1000} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGTPE", 1)
    for suffix, base in (("iB", 1024), ("", 1024), ("B", 1000))
}
_SHOWN = ((4, mark("TiB")), (3, mark("GiB")), (2, mark("MiB")), (1, mark("KiB")))


class BadSize(LarixError):
    """A text is no amount of storage."""


def parse_size(text: str) -> int:
    """Bytes. Raises BadSize."""
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)", text)
    if match is None or match.group(2) not in _UNITS:
        raise BadSize(
            tr("invalid amount of storage: {text}", text=text),
            hint=tr("write a number and a unit, such as 500M or 1.5GiB"),
        )
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def shown_size(count: int, decimals: int = 0) -> str:
    """A number of the largest unit of which there is one, with `decimals` unless it counts bytes."""
    for power, unit in _SHOWN:
        if count >= 1024**power:
            return f"{count / 1024**power:.{decimals}f} {tr(unit)}"
    return tr("{count} B", count=count)
