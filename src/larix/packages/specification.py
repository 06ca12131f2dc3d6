"""How people name packages: NAME, NAME@VERSION, NAME:OUTPUT, NAME@VERSION:OUTPUT; and the order of versions.

VERSION is a prefix that ends at a boundary: `python@3.1` is 3.1 and 3.1.4, never 3.11.

Versions are compared part by part, a part being a run of digits or of letters; what else there is separates.
A number is newer than a word, `pre`, `rc`, `beta`, `alpha` and `dev` are older than nothing at all.
"""

from __future__ import annotations

from typing import NamedTuple

from larix.errors import LarixError
from larix.words import tr

__all__ = ["BadSpecification", "Specification", "parse_specification"]


class BadSpecification(LarixError):
    """Text that names no package."""


class Specification(NamedTuple):
    name: str
    version: str | None = None
    output: str | None = None

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.name}{version}:{self.output}" if self.output is not None else f"{self.name}{version}"


def parse_specification(text: str) -> Specification:
    rest, colon, output = text.partition(":")
    name, at, version = rest.partition("@")
    if not name or (at and not version) or (colon and not output) or any(each.isspace() for each in text):
        raise BadSpecification(
            tr("`{text}` names no package", text=text),
            hint=tr("write NAME, NAME@VERSION, NAME:OUTPUT or NAME@VERSION:OUTPUT"),
        )
    return Specification(name, version if at else None, output if colon else None)
