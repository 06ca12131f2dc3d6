"""What a checker is given: a package with the text that defines it, and what to look it up in."""

from __future__ import annotations

import ast
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import Location
from larix.packages.definition import CannotEdit, Definition
from larix.packages.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.packages.inputs import Input
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["Finding", "Subject"]


class Finding(NamedTuple):
    """What is wrong, and where; `field` names the package's field if that alone is to blame."""

    message: str
    place: Location
    field: str | None = None


class Subject:
    """`lower` makes the package's derivation or raises; `web` fetches, in checkers that need the network."""

    def __init__(self, package: Package, *, lower: Callable[[Package], object], web: Web) -> None:
        self.package = package
        self.lower = lower
        self.web = web

    @property
    def upstream_name(self) -> str:
        """What the authors call it: `flask` of the package `python-flask`."""
        given: object = self.package.properties.get("upstream_name")
        return given if isinstance(given, str) else re.sub(r"^(python|perl)-", "", self.package.name)

    @cached_property
    def definition(self) -> Definition | None:
        """The text of the definition; None for a package that no file holds."""
        try:
            return Definition.at(self.package.location)
        except CannotEdit:
            return None

    @cached_property
    def origin(self) -> Origin | None:
        source = self.package.source
        return source if isinstance(source, Origin) else None

    @cached_property
    def origin_definition(self) -> Definition | None:
        try:
            return Definition.at(self.origin.location) if self.origin is not None else None
        except CannotEdit:
            return None

    def inherits(self, field: str) -> bool:
        """Whether a field is that of another package, whose own fault it would be."""
        definition = self.definition
        return (
            definition is not None
            and isinstance(definition.call.func, ast.Attribute)
            and definition.call.func.attr == "inherit"
            and definition.field(field) is None
        )

    def place(self, field: str) -> Location:
        """Where a field of the package is written, else where the package is."""
        return _place(self.definition, field, self.package.location)

    def origin_place(self, field: str) -> Location:
        origin = self.origin
        return _place(
            self.origin_definition, field, self.package.location if origin is None else origin.location
        )

    def found(self, field: str, message: str) -> Finding:
        return Finding(message, self.place(field), field)

    def found_in_origin(self, field: str, message: str) -> Finding:
        return Finding(message, self.origin_place(field), "source")

    def inputs(self) -> dict[str, tuple[Input, ...]]:
        """The inputs that the definition names, by field."""
        package = self.package
        return {
            "native_inputs": package.native_inputs,
            "inputs": package.inputs,
            "propagated_inputs": package.propagated_inputs,
        }


def _place(definition: Definition | None, field: str, otherwise: Location) -> Location:
    value = definition.field(field) if definition is not None else None
    return otherwise if definition is None or value is None else definition.source.place(value)
