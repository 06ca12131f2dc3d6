"""A graph as a value: nodes in the order of being met, arrows to what each needs, and ways between nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

__all__ = ["Graph", "Node", "shortest_paths", "walk"]

T = TypeVar("T")


class Node(NamedTuple):
    """`key` is the node's own in its graph, and the same whenever the graph is made.

    `label` is what drawings show, `name` what lists of nodes do; `subject` is the thing itself.
    """

    key: str
    label: str
    name: str
    subject: object = None


class Graph(NamedTuple):
    """`arrows` has every node's key, in the order of `nodes`; `roots` are those that were asked for."""

    nodes: Mapping[str, Node]
    arrows: Mapping[str, tuple[str, ...]]
    roots: tuple[str, ...]


def walk(
    roots: Iterable[T],
    *,
    identity: Callable[[T], Hashable],
    describe: Callable[[T], tuple[str, str]],
    needs: Callable[[T], Iterable[T]],
    max_depth: int | None = None,
) -> Graph:
    """The graph of what `roots` need, in the order of breadth, so that a depth is the least there is.

    `describe` gives a node's label and name; names that several nodes have are numbered to be their keys.
    What is `max_depth` steps away is there, and what it needs is not.
    """
    known: dict[Hashable, tuple[Node, T]] = {}
    taken: dict[str, int] = {}
    arrows: dict[str, tuple[str, ...]] = {}

    def meet(subject: T) -> bool:
        """Make a node of what has none."""
        if identity(subject) in known:
            return False
        label, name = describe(subject)
        taken[name] = taken.get(name, 0) + 1
        key = name if taken[name] == 1 else f"{name}#{taken[name]}"
        known[identity(subject)] = Node(key, label, name, subject), subject
        return True

    first = list(roots)
    layer = [each for each in first if meet(each)]
    depth = 0
    while layer:
        following: list[T] = []
        for subject in layer:
            needed = list(needs(subject)) if max_depth is None or depth < max_depth else []
            following += [each for each in needed if meet(each)]
            arrows[_key(known, identity(subject))] = tuple(
                dict.fromkeys(_key(known, identity(each)) for each in needed)
            )
        layer, depth = following, depth + 1
    return Graph(
        {node.key: node for node, _ in known.values()},
        arrows,
        tuple(dict.fromkeys(_key(known, identity(each)) for each in first)),
    )


def _key(known: Mapping[Hashable, tuple[Node, T]], identity: Hashable) -> str:
    return known[identity][0].key


def shortest_paths(arrows: Mapping[str, Sequence[str]], start: str, goal: str) -> Iterator[list[str]]:
    """All ways from `start` to `goal` with as few steps as there can be, in the order of the arrows."""
    before: dict[str, list[str]] = {start: []}
    distance = {start: 0}
    layer = [start]
    while layer and goal not in before:
        following: list[str] = []
        for key in layer:
            for target in dict.fromkeys(arrows.get(key, ())):
                if target not in before:
                    before[target] = []
                    distance[target] = distance[key] + 1
                    following.append(target)
                if distance[target] == distance[key] + 1:
                    before[target].append(key)
        layer = following
    if goal not in before:
        return
    useful = {goal}
    pending = [goal]
    while pending:
        new = [key for key in before[pending.pop()] if key not in useful]
        useful.update(new)
        pending += new
    # One way at a time, as there may be very many.
    todo = [[start]]
    while todo:
        way = todo.pop()
        if way[-1] == goal:
            yield way
            continue
        steps = dict.fromkeys(arrows[way[-1]])
        todo += [[*way, each] for each in reversed(steps) if each in useful and distance[each] == len(way)]
