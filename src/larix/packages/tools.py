"""The seam for tools that build systems imply: `cmake` for what is built with CMake, and so on.

A tool is a package of a distribution, found by its name: the value NAME of the module NAME in the folder of
package modules (with `_` for `-`). Nothing is imported before the tool is wanted. `register_tool` gives a
name to another package, for distributions that keep it elsewhere.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.packages.blame import blame
from larix.packages.distributions import find_distributions
from larix.packages.package import Package
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from larix.staging.lower import Lowerable

__all__ = ["UnknownTool", "implied_tools", "register_tool", "tool"]


class UnknownTool(LarixError):
    """A build system wants a tool that no distribution has."""


_factories: dict[str, Callable[[], Package]] = {}


def register_tool(name: str, factory: Callable[[], Package]) -> None:
    """Let `name` be what `factory` gives, which must be the same object each time."""
    _factories[name] = factory


def tool(name: str) -> Package:
    """The package that is called so; always the same object, so that lowering shares it."""
    factory = _factories.get(name)
    if factory is not None:
        return factory()
    for each in find_distributions():
        if each.module is not None:
            found = _in_module(f"{each.module}.{name.replace('-', '_')}", name.replace("-", "_"))
            if found is not None:
                return found
    known = ", ".join(each.name for each in find_distributions() if each.module) or tr("none was found")
    raise UnknownTool(
        tr("no distribution has the tool `{name}`", name=name),
        hint=tr(
            "its module would be called `{module}`; distributions: {known}",
            module=name.replace("-", "_"),
            known=known,
        ),
    )


def implied_tools(package: Package) -> Mapping[str, Lowerable]:
    """What the build system adds to a package's inputs, by the arguments that put something in its place."""
    tell: Callable[[Package], Mapping[str, Lowerable]] | None
    tell = getattr(package.build_system, "implied_tools", None)
    return tell(package) if tell is not None else {}


def _in_module(module: str, variable: str) -> Package | None:
    if importlib.util.find_spec(module) is None:
        return None
    try:
        value: object = getattr(importlib.import_module(module), variable, None)
    except LarixError:
        raise
    except Exception as error:
        found = blame(error)
        raise UnknownTool(
            tr("the module `{module}` cannot be loaded: {message}", module=module, message=found.message),
            place=found.place,
            hint=found.hint,
        ) from error
    return value if isinstance(value, Package) else None
