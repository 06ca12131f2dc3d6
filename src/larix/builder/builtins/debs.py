"""`builtin:unpack-debs`: the entry point in the room; see `unpack_debs` for what it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.builder.builtins.unpack_debs import BadDebianPackage, unpack_debs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    """Unpack the store files that the variable `debs` lists, without the files and folders in `skip`."""
    environment: dict[str, str] = argument["environment"]
    try:
        unpack_debs(
            argument["outputs"]["out"],
            environment.get("debs", "").split(),
            environment.get("skip", "").split(),
        )
    except BadDebianPackage as error:
        report(("builtin-failed", error.message, error.hint))
