"""Finding backends.

A module of `backends/` offers
    DESCRIPTION         a few words for `larix graph --list-backends`
    write(graph, kind)  pieces of text; `kind` is the name of the graph's kind
    WANTS_PACKAGES      true, if it tells of items what their packages say
`cyclonedx_json.py` is the backend `cyclonedx-json`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.graphs import backends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from larix.graphs.graph import Graph

__all__ = ["Backend", "all_backends", "backend_names"]


class Backend(NamedTuple):
    name: str
    description: str
    write: Callable[[Graph, str], Iterable[str]]
    wants_packages: bool = False


def backend_names() -> list[str]:
    return sorted(
        file.removesuffix(".py").replace("_", "-")
        for file in os.listdir(backends.__path__[0])
        if file.endswith(".py") and not file.startswith("_")
    )


def all_backends() -> list[Backend]:
    found: list[Backend] = []
    for name in backend_names():
        module: Any = import_module(f"{backends.__name__}.{name.replace('-', '_')}")
        found.append(
            Backend(name, module.DESCRIPTION, module.write, getattr(module, "WANTS_PACKAGES", False))
        )
    return found
