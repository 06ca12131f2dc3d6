"""The root of what a decoder of these formats raises."""

from __future__ import annotations

from larix.errors import LarixError
from larix.words import mark, tr

__all__ = ["FormatError"]


class FormatError(LarixError):
    """Input that is not what its format demands.

    `offset` counts bytes from the start of the input (None where the input is one short word), `expected` and
    `found` are phrases for people.
    """

    noun = mark("input")

    def __init__(
        self,
        *,
        expected: str,
        found: str,
        offset: int | None = None,
        subject: str | None = None,
        hint: str | None = None,
    ) -> None:
        gaps = {"subject": subject or tr(self.noun), "expected": expected, "found": found}
        message = (
            tr("invalid {subject}: expected {expected}, found {found}", **gaps)
            if offset is None
            else tr(
                "invalid {subject} at byte {offset}: expected {expected}, found {found}",
                offset=offset,
                **gaps,
            )
        )
        super().__init__(message, hint=hint)
        self.offset = offset
        self.expected = expected
        self.found = found


def excerpt(data: bytes, length: int = 24) -> str:
    """`data` as a short literal for a message; nothing of a hostile input reaches a terminal unquoted."""
    return repr(data[:length]) + ("…" if len(data) > length else "")
