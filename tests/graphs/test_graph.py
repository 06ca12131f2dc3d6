from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from larix.graphs.graph import Graph, shortest_paths, walk

NEEDS = {"a": "bc", "b": "de", "c": "de", "d": "f", "e": "f", "f": ""}


def graph_of(needs: Mapping[str, Sequence[str]], *roots: str, max_depth: int | None = None) -> Graph:
    return walk(
        roots,
        identity=lambda name: name,
        describe=lambda name: (name.upper(), name),
        needs=lambda name: needs[name],
        max_depth=max_depth,
    )


def test_nodes_come_in_the_order_of_breadth_with_their_arrows() -> None:
    graph = graph_of(NEEDS, "a")
    assert list(graph.nodes) == list("abcdef")
    assert graph.arrows["c"] == ("d", "e")
    assert graph.nodes["f"].label == "F"
    assert graph.roots == ("a",)


def test_depth_counts_from_the_nearest_root() -> None:
    assert list(graph_of(NEEDS, "a", max_depth=0).nodes) == ["a"]
    assert graph_of(NEEDS, "a", max_depth=1).arrows == {"a": ("b", "c"), "b": (), "c": ()}
    assert list(graph_of(NEEDS, "a", "d", max_depth=1).nodes) == ["a", "d", "b", "c", "f"]


def test_nodes_of_one_name_have_keys_of_their_own() -> None:
    graph = walk([1, 2], identity=lambda each: each, describe=lambda _: ("x", "x"), needs=lambda _: [2])
    assert graph.arrows == {"x": ("x#2",), "x#2": ("x#2",)}


def test_what_needs_itself_ends() -> None:
    assert graph_of({"a": "b", "b": "a"}, "a").arrows == {"a": ("b",), "b": ("a",)}


def test_all_shortest_ways_are_found_in_the_order_of_the_arrows() -> None:
    ways = ["".join(way) for way in shortest_paths(NEEDS, "a", "f")]
    assert ways == ["abdf", "abef", "acdf", "acef"]
    assert list(shortest_paths(NEEDS, "f", "a")) == []
    assert list(shortest_paths(NEEDS, "a", "a")) == [["a"]]


GRAPHS = st.integers(1, 7).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size)
)


@given(GRAPHS, st.integers(0, 6), st.integers(0, 6))
def test_shortest_ways_are_those_of_trying_all(lists: list[list[int]], start: int, goal: int) -> None:
    arrows = {str(number): list(dict.fromkeys(map(str, some))) for number, some in enumerate(lists)}
    first, last = str(start % len(lists)), str(goal % len(lists))
    ways = [[first]]
    for _ in lists:
        found = [way for way in ways if way[-1] == last]
        if found:
            break
        ways = [[*way, each] for way in ways for each in arrows[way[-1]]]
    assert sorted(shortest_paths(arrows, first, last)) == sorted(way for way in ways if way[-1] == last)
