"""Tracebacks of builds, told in terms of the host.

A build's program is a store item, and a traceback names it and a line in it. Which line of which host file
that was written in is no part of the program; it is remembered here, for as long as the process runs, for
each program that was lowered.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from larix.errors import Location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.staging.stage import LineOrigin

__all__ = ["locate", "remember", "translate"]

_FRAME = re.compile(rb'File "(/[^"\n]+)", line ([0-9]+)')
_programs: dict[str, tuple[LineOrigin, ...]] = {}


def remember(program: str, origins: Iterable[LineOrigin]) -> None:
    _programs[program] = tuple(sorted(origins))


def locate(program: str, line: int) -> Location | None:
    """Where a line of a program was written; None if nobody wrote it, or the program was not lowered here."""
    origins = _programs.get(program, ())
    number = bisect_right(origins, line, key=lambda origin: origin[0]) - 1
    if number < 0:
        return None
    first, file, host_lines = origins[number]
    return Location(file, host_lines[line - first]) if line - first < len(host_lines) else None


def translate(line: bytes) -> bytes:
    """A line of a build's log; where it names a program's line, as tracebacks do, with the host's instead."""

    def host_place(match: re.Match[bytes]) -> bytes:
        place = locate(match[1].decode(errors="surrogateescape"), int(match[2]))
        if place is None:
            return match[0]
        return b'File "%b", line %d' % (place.file.encode(errors="surrogateescape"), place.line)

    return _FRAME.sub(host_place, line)
