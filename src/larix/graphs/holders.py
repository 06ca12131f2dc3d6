"""Who holds how much of a store: users, their profiles and other roots, the generations of profiles.

Each holds all that its roots keep alive; what it holds alone is what deleting just that would free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.graphs.graph import Graph, Node
from larix.graphs.sizes import Weight, weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Holder", "Holding", "Inventory", "inventory"]


class Holder(NamedTuple):
    """`way` are the names from the outermost holder to this one.

    Kinds are user, profile, generation, root and processes.
    """

    way: tuple[str, ...]
    kind: str
    paths: tuple[str, ...] = ()


class Holding(NamedTuple):
    """A holder with bytes: all that it holds, and what it holds alone; those in it, the weightiest first."""

    name: str
    kind: str
    total: int
    alone: int
    parts: tuple[Holding, ...]


class Inventory(NamedTuple):
    """All holders, the outermost by weight, and `held`, the bytes of what any of them keeps.

    `graph` has holders and items, `weights` those of its nodes where they were asked for.
    """

    holdings: list[Holding]
    held: int
    graph: Graph
    weights: dict[str, Weight]


def inventory(
    holders: Iterable[Holder],
    keeps: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
    *,
    with_items: bool = False,
) -> Inventory:
    """Weigh holders, and `with_items` all that they hold.

    `keeps` tells what each item keeps alive. A holder comes after the one that it is in.
    """
    listed = list(holders)
    arrows: dict[str, list[str]] = {key: list(some) for key, some in keeps.items()}
    nodes: dict[str, Node] = {}
    all_sizes = dict(sizes)
    tops: list[str] = []
    for each in listed:
        key = _key(each.way)
        nodes[key] = Node(key, each.way[-1], each.way[-1], each)
        arrows[key] = [path for path in each.paths if path in keeps]
        all_sizes[key] = 0
        if len(each.way) == 1:
            tops.append(key)
        else:
            arrows[_key(each.way[:-1])].append(key)
    found = weights(arrows, all_sizes, tops, only=None if with_items else nodes.keys())
    reached = _reached(arrows, tops)
    nodes |= {key: Node(key, key.rpartition("/")[2][33:], key) for key in reached if key not in nodes}
    graph = Graph(
        {key: nodes[key] for key in reached}, {key: tuple(arrows[key]) for key in reached}, tuple(tops)
    )
    held = sum([all_sizes[key] for key in reached])
    return Inventory(list(_parts(listed, (), found)), held, graph, found)


def _reached(arrows: Mapping[str, Sequence[str]], start: Iterable[str]) -> dict[str, None]:
    found: dict[str, None] = {}
    todo = list(start)[::-1]
    while todo:
        key = todo.pop()
        if key not in found:
            found[key] = None
            todo += reversed(arrows[key])
    return found


def _key(way: tuple[str, ...]) -> str:
    """No item is called so."""
    return "\0".join(("", *way))


def _parts(
    listed: Sequence[Holder], above: tuple[str, ...], found: Mapping[str, Weight]
) -> Iterator[Holding]:
    made: list[Holding] = []
    for each in listed:
        if each.way[:-1] == above:
            weight = found[_key(each.way)]
            parts = tuple(_parts(listed, each.way, found))
            made.append(Holding(each.way[-1], each.kind, weight.total, weight.total - weight.shared, parts))
    yield from sorted(made, key=lambda holding: (-holding.alone, -holding.total))
