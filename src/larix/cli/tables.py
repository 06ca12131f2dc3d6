"""Rows for standard output: columns that line up and can be cut at tabs, and JSON with a version."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["print_json", "print_paged", "print_table"]

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


def print_paged(text: str) -> None:
    """Print `text`; on a terminal through the user's pager: LARIX_PAGER, PAGER, or less."""
    command = os.environ.get("LARIX_PAGER", os.environ.get("PAGER", "less"))
    if not text or not command or not (sys.stdout and sys.stdout.isatty()):
        print(text, end="")
        return
    import shlex
    import subprocess

    environment = {"LESS": "FRX", **os.environ}  # one screen needs no keystroke, and stays
    try:
        subprocess.run(shlex.split(command), input=text, text=True, env=environment, check=False)
    except (OSError, ValueError):
        print(text, end="")


def print_json(**fields: Any) -> None:
    print(json.dumps({"version": JSON_VERSION, **fields}, indent=2))
