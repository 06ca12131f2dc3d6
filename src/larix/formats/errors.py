"""The root of what a decoder of these formats raises."""

from __future__ import annotations

from larix.errors import LarixError

__all__ = ["FormatError"]


class FormatError(LarixError):
    """Input that is not what its format demands.

    `offset` counts bytes from the start of the input (None where the input is one short word), `expected` and
    `found` are phrases for people.
    """

    noun = "input"

    def __init__(
        self,
        *,
        expected: str,
        found: str,
        offset: int | None = None,
        subject: str | None = None,
        hint: str | None = None,
    ) -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(
            f"invalid {subject or self.noun}{where}: expected {expected}, found {found}", hint=hint
        )
        self.offset = offset
        self.expected = expected
        self.found = found


def excerpt(data: bytes, length: int = 24) -> str:
    """`data` as a short literal for a message; nothing of a hostile input reaches a terminal unquoted."""
    return repr(data[:length]) + ("…" if len(data) > length else "")
