"""The kinds of graphs; those of `backends/` are found by `drawing`."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """`of` tells what the nodes are: packages, derivations, items or modules."""

    name: str
    description: str
    of: str


KINDS = (
    Kind("package", "packages, and what their definitions name as inputs", "packages"),
    Kind("reverse-package", "packages, and those whose definitions name them", "packages"),
    Kind("bag", "packages, and all inputs of their builds, implied ones too", "packages"),
    Kind("bag-with-origins", "the same with sources, and what changes those", "packages"),
    Kind("bag-emerged", "packages, and all inputs of their builds but the toolchain", "packages"),
    Kind("reverse-bag", "packages, and those whose builds use them", "packages"),
    Kind("derivation", "derivations, and the derivations and files that they need", "derivations"),
    Kind("references", "items of the store, and what they refer to", "items"),
    Kind("referrers", "items of the store, and what refers to them", "items"),
    Kind("module", "modules of package definitions, and those that they import", "modules"),
)
