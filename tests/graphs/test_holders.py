from __future__ import annotations

from larix.graphs.holders import Holder, Holding, holdings

KEEPS = {"/s/a": ["/s/base"], "/s/b": ["/s/base"], "/s/c": [], "/s/base": [], "/s/dead": ["/s/base"]}
SIZES = {"/s/a": 1, "/s/b": 10, "/s/c": 100, "/s/base": 1000, "/s/dead": 10_000}


def test_each_holder_has_what_it_alone_keeps_alive() -> None:
    holders = [
        Holder(("ann",), "user"),
        Holder(("ann", "p"), "profile"),
        Holder(("ann", "p", "1"), "generation", ("/s/a",)),
        Holder(("ann", "p", "2"), "generation", ("/s/a", "/s/c")),
        Holder(("ann", "r"), "root", ("/s/b", "/s/gone")),
        Holder(("bob",), "user"),
        Holder(("bob", "r"), "root", ("/s/b",)),
    ]
    found, graph, weights = holdings(holders, KEEPS, SIZES)
    ann, bob = found
    assert (ann.name, ann.total, ann.alone) == ("ann", 1111, 101)
    assert (bob.name, bob.total, bob.alone) == ("bob", 1010, 0)
    profile, root = ann.parts
    assert (profile.name, profile.total, profile.alone) == ("p", 1101, 101)
    assert (root.total, root.alone) == (1010, 0)
    assert profile.parts == (
        Holding("2", "generation", 1101, 100, ()),
        Holding("1", "generation", 1001, 0, ()),
    )
    assert "/s/dead" not in weights
    assert [graph.nodes[key].name for key in graph.roots] == ["ann", "bob"]


def test_nothing_is_held_where_there_are_no_roots() -> None:
    assert holdings([], KEEPS, SIZES)[0] == []
