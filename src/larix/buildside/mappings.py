"""Dicts in an order that matters, changed at a place: new ones, the given stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from larix.buildside.failure import BuildSideError

__all__ = ["with_added_after", "with_added_before", "with_replaced", "without"]

K = TypeVar("K")
V = TypeVar("V")


def with_added_before(mapping: Mapping[K, V], anchor: K, key: K, value: V) -> dict[K, V]:
    """With a new entry before that of `anchor`, which must be there; one of the key must not."""
    return dict(_added(mapping, anchor, key, value, is_before=True))


def with_added_after(mapping: Mapping[K, V], anchor: K, key: K, value: V) -> dict[K, V]:
    """With a new entry after that of `anchor`."""
    return dict(_added(mapping, anchor, key, value, is_before=False))


def with_replaced(mapping: Mapping[K, V], key: K, value: V) -> dict[K, V]:
    """With another value in the place of the old."""
    _check(mapping, key)
    return {each: value if each == key else old for each, old in mapping.items()}


def without(mapping: Mapping[K, V], *keys: K) -> dict[K, V]:
    """Without some entries, which must be there."""
    for key in keys:
        _check(mapping, key)
    return {each: value for each, value in mapping.items() if each not in keys}


def _added(mapping: Mapping[K, V], anchor: K, key: K, value: V, *, is_before: bool) -> Iterator[tuple[K, V]]:
    _check(mapping, anchor)
    if key in mapping:
        raise BuildSideError(f"there is an entry `{key}` already")
    for each in mapping.items():
        if is_before and each[0] == anchor:
            yield key, value
        yield each
        if not is_before and each[0] == anchor:
            yield key, value


def _check(mapping: Mapping[K, V], key: K) -> None:
    if key not in mapping:
        raise BuildSideError(f"there is no entry `{key}`; there are: {', '.join(map(str, mapping))}")
