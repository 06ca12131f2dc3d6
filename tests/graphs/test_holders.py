from __future__ import annotations

from larix.graphs.holders import Holder, Holding, inventory

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
    whole = inventory(holders, KEEPS, SIZES, with_items=True)
    ann, bob = whole.holdings
    assert whole.held == 1111
    assert (ann.name, ann.total, ann.alone) == ("ann", 1111, 101)
    assert (bob.name, bob.total, bob.alone) == ("bob", 1010, 0)
    profile, root = ann.parts
    assert (profile.name, profile.total, profile.alone) == ("p", 1101, 101)
    assert (root.total, root.alone) == (1010, 0)
    assert profile.parts == (
        Holding("2", "generation", 1101, 100, ()),
        Holding("1", "generation", 1001, 0, ()),
    )
    assert whole.weights["/s/c"].own == 100
    assert "/s/dead" not in whole.weights
    assert [whole.graph.nodes[key].name for key in whole.graph.roots] == ["ann", "bob"]
    alone = inventory(holders, KEEPS, SIZES)
    assert (alone.holdings, alone.held) == (whole.holdings, whole.held)
    assert "/s/c" not in alone.weights


def test_nothing_is_held_where_there_are_no_roots() -> None:
    nothing = inventory([], KEEPS, SIZES)
    assert (nothing.holdings, nothing.held) == ([], 0)
