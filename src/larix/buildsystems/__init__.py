"""Build systems, the host halves: what a kind of package needs implicitly, and what is run in its build.

Layer: above `packages`. Each module here offers one build system, a value of the module's own name, and names
the module of `larix.buildside` that is its other half. They are found by listing this folder. Nothing here
depends on a distribution: compilers and shells come from `packages.toolchain`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, cast

from larix.errors import LarixError
from larix.packages.blame import did_you_mean
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.bag import BuildSystem

__all__ = ["UnknownBuildSystem", "build_system", "build_system_names"]


class UnknownBuildSystem(LarixError):
    """There is no build system of that name."""


def build_system_names() -> tuple[str, ...]:
    return tuple(
        sorted(each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_"))
    )


def build_system(name: str) -> BuildSystem:
    """The build system of that name, for callers that have nothing but the name."""
    names = build_system_names()
    if name not in names:
        hint = did_you_mean(name, names) or tr("there are: {names}", names=", ".join(names))
        raise UnknownBuildSystem(tr("no build system is called `{name}`", name=name), hint=hint)
    return cast("BuildSystem", getattr(importlib.import_module(f"{__name__}.{name}"), name))
