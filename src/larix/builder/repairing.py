"""Repairing: valid items that are not what was registered are made again, and put back.

Where the content is right, modes and times are set right. What the journal still holds is taken from there;
all else is built.

What a damaged item was made from is looked at too, since nothing good comes from damaged inputs; inputs are
repaired before what is made from them. Only what comes out the very same takes the damaged item's place.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from larix.builder.graph import load_graph
from larix.builder.policy import DEFAULT_POLICY
from larix.builder.realisation import realise
from larix.errors import LarixError
from larix.protocol import BuildOptions, BuildTarget, ignore_events
from larix.store.metadata import alteration, make_canonical, owner_of_items
from larix.store.restoring import restore
from larix.store.verify import is_intact
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from larix.builder.policy import Policy
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
    policy: Policy = DEFAULT_POLICY,
    tell: Callable[[StorePath], object] | None = None,
    give_up: Callable[[StorePath, LarixError], object] | None = None,
) -> list[StorePath]:
    """Repair what of `paths`, all valid, is damaged; those that were, in the order of their repair.

    `tell` hears of each damaged item when it is found. Without `give_up`, raises CannotRepair before anything
    is built, and BuildError for what does not come out the same; with it, it hears of these, and the rest is
    repaired.
    """
    work = _Work(store, tell, give_up)
    work.look(paths)
    for path in work.order():
        drv = work.derivers[path]
        if drv in work.done:
            continue
        work.done.add(drv)
        try:
            again = (options or BuildOptions())._replace(check=True, repair=True, rounds=1)
            realise(store, [BuildTarget(drv)], again, sink, policy=policy)
        except LarixError as error:
            if give_up is None:
                raise
            for each, other in work.derivers.items():
                if other == drv:
                    work.failed.add(each)
                    give_up(each, error)
    return [*work.mended, *(path for path in work.order() if path not in work.failed)]


class _Work:
    """What is damaged, and what it is to be made from."""

    def __init__(
        self,
        store: LocalStore,
        tell: Callable[[StorePath], object] | None,
        give_up: Callable[[StorePath, LarixError], object] | None,
    ) -> None:
        self._store = store
        self._tell = tell
        self._give_up = give_up
        self._owner = owner_of_items(store.store_dir)
        self._needed: dict[StorePath, set[StorePath]] = {}
        self.derivers: dict[StorePath, StorePath] = {}
        self.mended: list[StorePath] = []
        self.done: set[StorePath] = set()
        self.failed: set[StorePath] = set()

    def look(self, paths: Iterable[StorePath]) -> None:
        """Find what is damaged of `paths`, and of what that is made from; mend what needs no build."""
        seen: set[StorePath] = set()
        todo = sorted(paths)
        damaged: list[StorePath] = []
        for path in todo:
            seen.add(path)
            if not self._is_mended(path):
                damaged.append(path)
        restored = restore(self._store, damaged)
        self.mended += restored
        todo = [path for path in damaged if path not in restored]
        while todo:
            path = todo.pop()
            try:
                self.derivers[path] = drv = _deriver(self._store, path)
                node = load_graph(self._store, [BuildTarget(drv)], all_inputs=True).nodes[drv]
            except (LarixError, OSError) as error:
                if self._give_up is None or not isinstance(error, LarixError):
                    raise
                self.derivers.pop(path, None)
                self._give_up(path, error)
                continue
            inputs = self._store.closure(self._store.valid_paths(node.input_paths()))
            self._needed[path] = set(inputs)
            for each in sorted(inputs - seen):
                seen.add(each)
                if not self._is_mended(each) and not restore(self._store, [each]):
                    todo.append(each)

    def _is_mended(self, path: StorePath) -> bool:
        """Whether the item is in order, or was made so: what is wrong is not its content."""
        if is_intact(self._store.path_info(path)):
            if alteration(path, self._owner) is not None:
                self._say(path)
                make_canonical(path, self._owner)
                self.mended.append(path)
            return True
        self._say(path)
        return False

    def _say(self, path: StorePath) -> None:
        if self._tell is not None:
            self._tell(path)

    def order(self) -> list[StorePath]:
        """Inputs before what is made from them."""
        damaged = {path: self._needed[path] & self.derivers.keys() for path in self.derivers}
        return list(TopologicalSorter(damaged).static_order())


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
