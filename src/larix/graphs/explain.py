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

__all__ = ["Cause", "explain"]


class Cause(NamedTuple):
    """A derivation that differs by itself. `way` leads to it from what was asked for, itself last."""

    old: StorePath
    new: Lowered
    way: tuple[Lowered, ...]
    changes: tuple[Change, ...]


def explain(old: StorePath, new: Lowered, read: Callable[[StorePath], Derivation]) -> list[Cause]:
    """The causes that make `new` another derivation than `old`, those near to it first.

    `read` gives the derivations of the store. What has the same outputs, as a file that is fetched from
    elsewhere, is no cause of anything.
    """
    known: dict[StorePath, Derivation] = {}

    def read_once(path: StorePath) -> Derivation:
        if path not in known:
            known[path] = read(path)
        return known[path]

    def outputs_of(path: StorePath) -> Mapping[str, str]:
        return {name: output.path for name, output in read_once(path).outputs.items()}

    causes: list[Cause] = []
    seen = {(old, new.path)}
    todo: deque[tuple[StorePath, tuple[Lowered, ...]]] = deque([(old, (new,))])
    while todo:
        path, way = todo.popleft()
        one, other = Side.of_store(path, read_once(path), outputs_of), Side.of_lowered(way[-1])
        if one.outputs == other.outputs:
            continue
        pairs = pair_up(one, other)
        changes = changes_between(one, other, pairs)
        if changes:
            causes.append(Cause(path, way[-1], way, tuple(changes)))
        inputs = {each.path: each for each, _ in way[-1].inputs}
        for pair in sorted(pairs.inputs, key=lambda each: name_part(each[1])):
            if pair not in seen:
                seen.add(pair)
                todo.append((pair[0], (*way, inputs[pair[1]])))
    return causes
