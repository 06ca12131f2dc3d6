"""Things of the machine that builds, named where all else is for the machine that is built for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.packages.inputs import Input
from larix.staging.lower import Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.staging.lower import Item, Lowering

__all__ = ["Native", "native_inputs", "native_interpreter"]


class Native:
    """Lowers to what `value` is without a target."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<native {self.value!r}>"

    def __lower__(self, lowering: Lowering) -> Item:
        return lowering.variant(target=None).lower(self.value)


def native_inputs(inputs: Iterable[Input]) -> tuple[Input, ...]:
    """The same inputs, to be run in a cross build."""
    return tuple([each._replace(value=Native(each.value)) for each in inputs])


def native_interpreter(python: Interpreter) -> Interpreter:
    return Interpreter(Native(python.package), python.file)
