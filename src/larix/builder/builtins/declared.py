"""What a builtin may take from the store: the inputs of its derivation, which the room does not enforce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Undeclared", "require_declared"]


class Undeclared(Exception):
    """A path that is none of the inputs; the text says so."""


def require_declared(argument: dict[str, Any], paths: Iterable[str]) -> None:
    """Raise Undeclared unless each of `paths` is an input, or in the closure of one."""
    for path in paths:
        if path not in argument["inputs"]:
            raise Undeclared(tr("`{path}` is not among the derivation's inputs", path=path))
