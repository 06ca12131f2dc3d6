"""Rows for standard output: columns that line up and can be cut at tabs, records, and JSON with a version."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Style", "print_json", "print_paged", "print_table"]

_WIDEST = 20
JSON_VERSION = 1


class Style(NamedTuple):
    """What a terminal can do beside letters: by itself, nothing."""

    colours: bool = False
    links: bool = False

    @classmethod
    def of_output(cls) -> Style:
        """That of standard output, behind the pager if it is one that passes colours and links on."""
        from larix.cli.diagnostics import colour_wanted

        if not (sys.stdout and colour_wanted(1)):
            return cls()
        command = _pager()
        if command and os.path.basename(command.split()[0]) == "less":
            options = f"{os.environ.get('LESS', 'R')} {command}".split()
            passes = any(each.lstrip("-").isalpha() and "R" in each for each in options)
            return cls(passes, passes)
        return cls(not command, not command)

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.colours else text

    def link(self, text: str, file: str = "", *, address: str | None = None) -> str:
        """The text, leading to a file or an address where it is clicked (OSC 8)."""
        if not self.links:
            return text
        if address is None:
            from urllib.parse import quote

            address = f"file://{os.uname().nodename}{quote(os.path.abspath(file))}"
        return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Tabs between columns, each but the last padded to its widest cell, at most to twenty characters."""
    if not rows:
        return
    widths = [min(_WIDEST, max([len(row[index]) for row in rows])) for index in range(len(rows[0]) - 1)]
    form = "".join(f"%-{width}s\t" for width in widths) + "%s"
    print("\n".join([form % tuple(row) for row in rows]))


def _pager() -> str:
    return os.environ.get("LARIX_PAGER", os.environ.get("PAGER", "less")).strip()


def print_paged(blocks: Iterable[str]) -> None:
    """Print; on a terminal through the user's pager: LARIX_PAGER, PAGER, or less.

    The pager gets block by block, so that the first page comes at once, and no more when it is left.
    """
    command = _pager()
    if not command or not (sys.stdout and sys.stdout.isatty()):
        sys.stdout.write("".join(blocks))
        return
    import shlex
    import subprocess

    first = next(iterator := iter(blocks), None)
    if first is None:
        return
    environment = {"LESS": "FRX", **os.environ}  # one screen needs no keystroke, and stays
    sys.stdout.flush()
    try:
        pager = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, text=True, errors="surrogateescape", env=environment
        )
    except (OSError, ValueError):
        sys.stdout.write(first + "".join(iterator))
        return
    with pager:
        try:
            with pager.stdin or sys.stdout as stream:
                stream.write(first)
                stream.writelines(iterator)
        except BrokenPipeError:
            pass  # the reader has seen enough
        except KeyboardInterrupt:
            pass  # the pager's own: it stays until it is left


def print_json(**fields: Any) -> None:
    import json

    print(json.dumps({"version": JSON_VERSION, **fields}, indent=2))
