"""Distributions: the collections of packages on the import path, found by a file and not by name.

A distribution is a Python package whose directory holds `larix-distribution.json`:

    {"version": 1, "packages": "packages", "toolchains": "toolchain"}

`packages` is the sub-package of package modules, `toolchains` a module whose import registers toolchains;
both are optional.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.errors import LarixError, Location
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MARKER", "BadDistribution", "Distribution", "Folder", "find_distributions", "load_toolchains"]

MARKER = "larix-distribution.json"


class BadDistribution(LarixError):
    """A distribution's description or its toolchain module cannot be used."""


class Folder(NamedTuple):
    """A directory of package modules. `package` is the Python package it is, or "" for one outside of any."""

    directory: str
    package: str = ""


class Distribution(NamedTuple):
    """`name` is its Python package; `directory` and `module` those of its package modules."""

    name: str
    directory: str | None
    module: str | None
    toolchains: str | None


@functools.lru_cache(maxsize=8)
def _find(path: tuple[str, ...]) -> tuple[Distribution, ...]:
    found: dict[str, Distribution] = {}
    for folder in path:
        for name in _package_names(folder):
            marker = os.path.join(folder, name, MARKER)
            if name not in found and os.path.isfile(marker):
                found[name] = _read(name, marker)
    return tuple(found.values())


def find_distributions() -> tuple[Distribution, ...]:
    """Those on the import path, in its order."""
    return _find(tuple(sys.path))


def load_toolchains() -> None:
    """Import what registers toolchains, of every distribution, once."""
    for each in find_distributions():
        if each.toolchains is None or each.toolchains in sys.modules:
            continue
        try:
            importlib.import_module(each.toolchains)
        except LarixError:
            raise
        except Exception as error:
            from larix.packages.blame import blame

            found = blame(error)
            raise BadDistribution(
                tr(
                    "the toolchains of distribution `{distribution}` cannot be loaded: {problem}",
                    distribution=each.name,
                    problem=found.message,
                ),
                place=found.place,
                hint=found.hint,
            ) from error


def _package_names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry in entries if entry.name.isidentifier()]
    except OSError:
        return
    yield from sorted(names)


def _read(name: str, marker: str) -> Distribution:
    try:
        with open(marker, encoding="utf-8") as stream:
            read: Any = json.load(stream)
    except (OSError, ValueError) as error:
        raise BadDistribution(
            tr("cannot read the description of a distribution: {error}", error=error),
            place=Location(marker, 1),
        ) from error
    if not isinstance(read, dict) or cast("dict[str, Any]", read).get("version") != 1:
        raise BadDistribution(
            tr('the description of a distribution says no `"version": 1`'), place=Location(marker, 1)
        )
    fields = cast("dict[str, Any]", read)
    packages, toolchains = fields.get("packages"), fields.get("toolchains")
    return Distribution(
        name,
        os.path.join(os.path.dirname(marker), *str(packages).split(".")) if packages else None,
        f"{name}.{packages}" if packages else None,
        f"{name}.{toolchains}" if toolchains else None,
    )
