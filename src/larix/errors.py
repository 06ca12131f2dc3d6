"""The root of the error tree; every other error lives beside the code that raises it.

A `LarixError` is something a person can act upon: it is shown as one line, with its place and a hint, and
never as a traceback. Any other exception that reaches the command line is a bug of larix.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

__all__ = ["LarixError", "Location"]


class Location(NamedTuple):
    """A place in a source file; lines and columns count from 1, as editors do. Column 0: unknown."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class LarixError(Exception):
    """What a user, a packager or an operator did, met or must mend.

    `exit_code` is that of the process when the error ends it; `temporary` says whether trying again later
    makes sense. `place` is where the cause stands, `hint` what to do next.
    """

    exit_code: ClassVar[int] = 1
    temporary: ClassVar[bool] = False

    def __init__(self, message: str, *, place: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message
