"""What can be wrong with a build expression, told at the place where it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.errors import Location

__all__ = ["LoweringCycle", "LoweringError", "StagingError", "type_name"]


class StagingError(LarixError):
    """A function that cannot become build code, or something it captured that cannot follow it.

    `name` is the free name, the parameter or the function at fault.
    """

    def __init__(
        self, message: str, *, name: str, place: Location | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, place=place, hint=hint)
        self.name = name


class LoweringError(LarixError):
    """An object that has no derivation, or one whose derivation cannot be computed."""


class LoweringCycle(LoweringError):
    """An object that needs itself; `chain` runs from it through its inputs back to it."""

    def __init__(self, chain: Sequence[str], *, place: Location | None = None) -> None:
        super().__init__(
            tr("a cycle of inputs: {chain}", chain=" → ".join(chain)),
            place=place,
            hint=tr("break it at one of these"),
        )
        self.chain = tuple(chain)


def type_name(value: object) -> str:
    """The type of a value as people call it: `re.Pattern`, `list`, `larix.packages.Package`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
