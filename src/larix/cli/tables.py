"""Rows for standard output: columns that line up and can be cut at tabs, and JSON with a version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["print_json", "print_table"]

_WIDEST = 20
JSON_VERSION = 1


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Tabs between columns, each but the last padded to its widest cell, at most to twenty characters."""
    if not rows:
        return
    widths = [min(_WIDEST, max(len(row[index]) for row in rows)) for index in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("\t".join([*cells, row[-1]]))


def print_json(**fields: Any) -> None:
    print(json.dumps({"version": JSON_VERSION, **fields}, indent=2))
