from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from larix.graphs.sizes import Weight, weights

ARROWS = {"a": ["b", "c"], "b": ["d", "e"], "c": ["d"], "d": ["f"], "e": [], "f": []}
SIZES = {"a": 1, "b": 10, "c": 100, "d": 1000, "e": 10_000, "f": 100_000}


def test_what_several_need_is_shared_and_brought_by_what_is_above_them() -> None:
    found = weights(ARROWS, SIZES, ["a"])
    assert found["a"] == Weight(1, 111_111, 0, "")
    assert found["b"] == Weight(10, 111_010, 101_000, "a")
    assert found["c"] == Weight(100, 101_100, 101_000, "a")
    assert found["d"] == Weight(1000, 101_000, 0, "a")
    assert found["e"] == Weight(10_000, 10_000, 0, "b")
    assert found["f"] == Weight(100_000, 100_000, 0, "d")


def test_arrows_back_count_for_nothing_and_do_no_harm() -> None:
    found = weights({"a": ["b"], "b": ["c"], "c": ["a", "b"]}, {"a": 1, "b": 10, "c": 100}, ["a"])
    assert [weight.total for weight in found.values()] == [111, 110, 100]


def test_what_is_asked_for_stays_whoever_else_needs_it() -> None:
    found = weights(ARROWS, SIZES, ["a", "d"])
    assert found["d"].under == ""
    assert found["a"] == Weight(1, 111_111, 101_000, "")
    assert list(weights(ARROWS, SIZES, ["f"])) == ["f"]


GRAPHS = st.integers(1, 8).flatmap(
    lambda size: st.tuples(
        st.lists(st.lists(st.integers(1, 7), max_size=4), min_size=size, max_size=size),
        st.lists(st.integers(0, size - 1), min_size=1, max_size=3),
    )
)


def reach(arrows: dict[str, list[str]], roots: list[str], without: str = "") -> set[str]:
    seen: set[str] = set()
    todo = [root for root in roots if root != without]
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            todo += [each for each in arrows[key] if each != without]
    return seen


@given(GRAPHS)
def test_weights_are_those_of_taking_each_away(drawn: tuple[list[list[int]], list[int]]) -> None:
    """An item's share is what would still be reached without it."""
    lists, chosen = drawn
    count = len(lists)
    arrows = {
        str(number): sorted({str(number + step) for step in steps if number + step < count})
        for number, steps in enumerate(lists)
    }
    sizes = {str(number): 3**number for number in range(count)}
    roots = [str(each) for each in chosen]
    found = weights(arrows, sizes, roots)
    assert set(found) == reach(arrows, roots)
    for key, weight in found.items():
        closure = reach(arrows, [key])
        assert weight.total == sum(sizes[each] for each in closure)
        if key not in roots:
            stays = reach(arrows, roots, without=key)
            assert weight.shared == sum(sizes[each] for each in closure & stays)
