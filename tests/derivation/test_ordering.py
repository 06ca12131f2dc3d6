from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from larix.derivation.ordering import inputs_first


@given(st.dictionaries(st.integers(0, 30), st.lists(st.integers(0, 40))))
def test_each_comes_once_and_behind_what_it_needs(graph: dict[int, list[int]]) -> None:
    acyclic = {key: [below for below in needed if below < key] for key, needed in graph.items()}
    order = inputs_first(acyclic)
    assert sorted(order) == sorted(acyclic)
    places = {key: place for place, key in enumerate(order)}
    assert all(
        places[below] < places[key] for key, needed in acyclic.items() for below in needed if below in acyclic
    )
    assert sorted(inputs_first(graph)) == sorted(graph)  # circles come as well


def test_only_what_is_below_the_roots_is_given() -> None:
    assert inputs_first({"a": ["b"], "b": ["none"], "c": ["a"]}, ["a"]) == ["b", "a"]


def test_a_long_chain_needs_no_stack() -> None:
    assert inputs_first({number: [number + 1] for number in range(100_000)})[0] == 99_999
