"""Finding importers: modules that turn what an index says of a package into a draft of its definition.

An importer is a module of `importers/`, and offers

    DESCRIPTION                                      a line for `larix import --help`
    RECURSES                                         whether it can go on to what a package needs
    drafts(name, version, context) -> list[Draft]    the one asked for comes last
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.errors import LarixError
from larix.upstream import importers

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.upstream.drafts import Draft
    from larix.upstream.known import Known
    from larix.upstream.web import Web

__all__ = ["Context", "Importer", "NotFound", "all_importers"]


class NotFound(LarixError):
    """No index has a package of this name, or the version of it that was asked for."""


class Context(NamedTuple):
    """`tell` hears in a line what is being looked at; with `recursive` what is missing is imported, too."""

    web: Web
    known: Known
    tell: Callable[[str], None]
    recursive: bool = False


class Importer(NamedTuple):
    name: str
    description: str
    recurses: bool
    drafts: Callable[[str, str | None, Context], list[Draft]]


def all_importers() -> dict[str, Importer]:
    """Every importer by name."""
    found: dict[str, Importer] = {}
    for file in sorted(os.listdir(importers.__path__[0])):
        name = file.removesuffix(".py")
        if name == file or name.startswith("_"):
            continue
        module: Any = import_module(f"{importers.__name__}.{name}")
        shown = name.replace("_", "-")
        found[shown] = Importer(shown, module.DESCRIPTION, module.RECURSES, module.drafts)
    return found
