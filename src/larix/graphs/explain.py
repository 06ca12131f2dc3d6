"""Why something is built although it is there: two graphs of derivations, walked in step.

One is in the store, the other was lowered just now. Inputs of the two are paired by name; where a pair
differs by itself, other than by what its own inputs became, there is a cause. All that merely uses something
changed is passed through, so that a patch far down is told as that, and not as a hundred changed packages.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from larix.formats.storepath import StorePath, name_part
from larix.graphs.changes import Change, changes_between
from larix.graphs.sides import Side, pair_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from larix.derivation import Derivation, Lowered

__all__ = ["Cause", "Comparer"]


class Cause(NamedTuple):
    """A derivation that differs by itself. `way` leads to it from what was asked for, itself last."""

    old: StorePath
    new: Lowered
    way: tuple[Lowered, ...]
    changes: tuple[Change, ...]


class _Step(NamedTuple):
    """A pair, compared: how it differs by itself, and the pairs of inputs that differ."""

    changes: tuple[Change, ...]
    following: tuple[tuple[StorePath, Lowered], ...]


class Comparer:
    """Compares graphs with those of one store, whose derivations `read` gives.

    What was compared for one graph is not compared again for another.
    """

    def __init__(self, read: Callable[[StorePath], Derivation]) -> None:
        self._read = read
        self._known: dict[StorePath, Derivation] = {}
        self._steps: dict[tuple[StorePath, StorePath], _Step] = {}

    def causes(self, old: StorePath, new: Lowered) -> list[Cause]:
        """The causes that make `new` another derivation than `old`, those near to it first.

        What has the same outputs, as a file that is fetched from elsewhere, is no cause of anything.
        """
        found: list[Cause] = []
        ways: dict[tuple[StorePath, StorePath], tuple[StorePath, StorePath] | None] = {(old, new.path): None}
        lowered = {new.path: new}
        todo = deque([(old, new.path)])
        while todo:
            pair = todo.popleft()
            step = self._compare(pair[0], lowered[pair[1]])
            if step.changes:
                way: list[Lowered] = []
                back: tuple[StorePath, StorePath] | None = pair
                while back is not None:
                    way.append(lowered[back[1]])
                    back = ways[back]
                found.append(Cause(pair[0], lowered[pair[1]], tuple(way[::-1]), step.changes))
            for path, needed in step.following:
                if (path, needed.path) not in ways:
                    ways[path, needed.path] = pair
                    lowered[needed.path] = needed
                    todo.append((path, needed.path))
        return found

    def _compare(self, old: StorePath, new: Lowered) -> _Step:
        known = self._steps.get((old, new.path))
        if known is not None:
            return known
        one = Side.of_store(old, self._derivation(old), self._outputs)
        other = Side.of_lowered(new)
        step = _Step((), ())
        if one.outputs != other.outputs:
            pairs = pair_up(one, other)
            inputs = {each.path: each for each, _ in new.inputs}
            following = sorted(pairs.inputs, key=lambda each: name_part(each[1]))
            step = _Step(
                tuple(changes_between(one, other, pairs)),
                tuple([(path, inputs[to]) for path, to in following]),
            )
        self._steps[old, new.path] = step
        return step

    def _derivation(self, path: StorePath) -> Derivation:
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def _outputs(self, path: StorePath) -> Mapping[str, str]:
        return {name: output.path for name, output in self._derivation(path).outputs.items()}
