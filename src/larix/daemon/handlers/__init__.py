"""What the daemon does for each operation: one function for each, called as the operation is in the table.

A handler gets the session and the arguments by name, for some operations the `body` that follows them, and
gives the value of the reply. What it raises as LarixError the client is told, and the session goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from larix.daemon.handlers import adding, asking, building, keeping, settling
from larix.protocol.ops import OPERATIONS

__all__ = ["handler_of"]

_HANDLERS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for module in (adding, asking, building, keeping, settling)
    for name in module.__all__
}
_UNKNOWN = _HANDLERS.keys() ^ OPERATIONS.keys()
if _UNKNOWN:
    raise ImportError(f"operations and handlers differ: {sorted(_UNKNOWN)}")


def handler_of(name: str) -> Callable[..., Any]:
    return _HANDLERS[name]
