"""Repairing: valid items whose content is not what was registered are made again, and put back.

What a damaged item was made from is looked at too, since nothing good comes from damaged inputs; inputs are
repaired before what is made from them. Only what comes out the very same takes the damaged item's place.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from larix.builder.graph import load_graph
from larix.builder.realisation import realise
from larix.errors import LarixError
from larix.protocol import BuildOptions, BuildTarget, ignore_events
from larix.store.verify import is_intact
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from larix.formats.storepath import StorePath
    from larix.protocol import Sink
    from larix.store import LocalStore

__all__ = ["CannotRepair", "repair"]


class CannotRepair(LarixError):
    """Nothing in the store tells how a damaged item was made."""


def repair(
    store: LocalStore,
    paths: Iterable[StorePath],
    options: BuildOptions | None = None,
    sink: Sink = ignore_events,
    *,
    tell: Callable[[StorePath], object] | None = None,
) -> list[StorePath]:
    """Repair what of `paths`, all valid, is damaged; those that were, in the order of their repair.

    `tell` hears of each damaged item when it is found. Raises CannotRepair before anything is built, and
    BuildError for what does not come out the same.
    """
    derivers: dict[StorePath, StorePath] = {}
    needed: dict[StorePath, set[StorePath]] = {}
    seen: set[StorePath] = set()
    todo = sorted(paths)
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        if is_intact(store.path_info(path)):
            continue
        if tell is not None:
            tell(path)
        derivers[path] = drv = _deriver(store, path)
        node = load_graph(store, [BuildTarget(drv)], all_inputs=True).nodes[drv]
        inputs = store.closure(store.valid_paths(node.input_paths()))
        needed[path] = set(inputs)
        todo += sorted(inputs)
    damaged = {path: needed[path] & derivers.keys() for path in derivers}
    order = list(TopologicalSorter(damaged).static_order())
    again = (options or BuildOptions())._replace(check=True, repair=True, rounds=1)
    for drv in dict.fromkeys(derivers[path] for path in order):
        realise(store, [BuildTarget(drv)], again, sink)
    return order


def _deriver(store: LocalStore, path: StorePath) -> StorePath:
    """A derivation of the path that is there and in order."""
    for drv in sorted(store.valid_paths(store.derivers(path))):
        try:
            store.read_derivation(drv)
        except (LarixError, OSError):
            continue
        return drv
    raise CannotRepair(
        tr("`{path}` is damaged, and no derivation of it is in the store", path=path),
        hint=tr("build the package that it belongs to after deleting what refers to it"),
    )
