"""`builtin:unpack-debs`: the entry point in the room; see `unpack_debs` for what it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.builder.builtins.declared import Undeclared, require_declared
from larix.builder.builtins.unpack_debs import BadDebianPackage, unpack_debs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    """Unpack the store files that the variable `debs` lists, without the files and folders in `skip`."""
    environment: dict[str, str] = argument["environment"]
    debs = environment.get("debs", "").split()
    try:
        require_declared(argument, debs)
        unpack_debs(argument["outputs"]["out"], debs, environment.get("skip", "").split())
    except Undeclared as error:
        report(("builtin-failed", str(error), None))
    except BadDebianPackage as error:
        report(("builtin-failed", error.message, error.hint))
