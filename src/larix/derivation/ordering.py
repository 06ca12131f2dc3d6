"""The order in which things can be made, of which some need others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["inputs_first"]

K = TypeVar("K")


def inputs_first(needs: Mapping[K, Iterable[K]], roots: Iterable[K] | None = None) -> list[K]:
    """The keys of `needs`, or those below `roots`, each behind the keys that it needs.

    What is needed and no key is left out. Keys that need each other come in some order.
    """
    order: list[K] = []
    seen: set[K] = set()
    todo = [(key, False) for key in reversed(list(needs if roots is None else roots))]
    while todo:
        key, is_ready = todo.pop()
        if is_ready:
            order.append(key)
        elif key not in seen:
            seen.add(key)
            todo.append((key, True))
            todo += [(below, False) for below in needs[key] if below in needs]
    return order
