"""Packages as values: records, where their sources come from, what they need, and how they are found by name.

Layer: above `staging`, below `buildsystems`. Evaluation is a function of its inputs: nothing here reads the
clock, the network or the environment; files are read only to find and load package modules. It never names a
distribution: `catalogue` finds those on the import path.

Importing this package imports nothing else; take names from its modules, or the usual ones from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from larix.packages.inputs import Output
    from larix.packages.listed import inputs_of, transformed
    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.packages.search_paths import SearchPath
    from larix.packages.transform import (
        mapped_inputs,
        rewrite_inputs,
        static_package,
        with_configure_flags,
        with_replacement,
        without_tests,
    )

__all__ = [
    "Origin",
    "Output",
    "Package",
    "SearchPath",
    "inputs_of",
    "mapped_inputs",
    "rewrite_inputs",
    "static_package",
    "transformed",
    "with_configure_flags",
    "with_replacement",
    "without_tests",
]

_HOMES = {
    "Origin": "origin",
    "Output": "inputs",
    "Package": "package",
    "SearchPath": "search_paths",
    "inputs_of": "listed",
    "mapped_inputs": "transform",
    "rewrite_inputs": "transform",
    "static_package": "transform",
    "transformed": "listed",
    "with_configure_flags": "transform",
    "with_replacement": "transform",
    "without_tests": "transform",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `larix.packages` has no attribute `{name}`")
    from importlib import import_module

    return getattr(import_module(f"larix.packages.{_HOMES[name]}"), name)
