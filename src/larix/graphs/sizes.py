"""How much items weigh: by themselves, with all they need, and as far as others need that, too.

What an item alone brings is what it dominates: all ways from the roots there lead through it. The rest of its
closure is shared, and would stay without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.derivation.ordering import inputs_first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["Weight", "weights"]

_TOP = ""


class Weight(NamedTuple):
    """Bytes: of the item, of its closure, and of the part of that which others need as well.

    `under` is the item that alone brings this one; empty when several do, or when it was asked for.
    """

    own: int
    total: int
    shared: int
    under: str


def weights(
    arrows: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
    roots: Iterable[str],
    *,
    only: Collection[str] | None = None,
) -> dict[str, Weight]:
    """The weights of all that `roots` reach, users before what they need.

    With `only`, the weights of these alone: sums of closures are what takes time in a large store.
    No store has items that go round; where some did, an arrow back would count for nothing.
    """
    wanted = list(dict.fromkeys(roots))
    order = inputs_first(arrows, wanted)[::-1]
    places = {key: place for place, key in enumerate(order)}
    arrows = {key: [each for each in arrows[key] if places[each] > places[key]] for key in order}
    totals = _totals(arrows, sizes, order) if only is None else _totals_of(arrows, sizes, order, only)
    above = _dominators(arrows, wanted, order)
    brought = dict(sizes)
    for key in reversed(order):
        if above[key] != _TOP:
            brought[above[key]] += brought[key]
    return {
        key: Weight(sizes[key], totals[key], totals[key] - brought[key], above[key])
        for key in order
        if key in totals
    }


def _totals(
    arrows: Mapping[str, Sequence[str]], sizes: Mapping[str, int], order: Sequence[str]
) -> dict[str, int]:
    """Closures as sets of bits, a number for each item; eight of them are summed by one look into a table."""
    numbers = {key: number for number, key in enumerate(order)}
    tables: list[list[int]] = []
    for start in range(0, len(order), 8):
        table = [0]
        for key in order[start : start + 8]:
            table += [known + sizes[key] for known in table]
        tables.append(table)
    closures: dict[str, int] = {}
    totals: dict[str, int] = {}
    for key in reversed(order):
        closure = 1 << numbers[key]
        for each in arrows[key]:
            closure |= closures[each]
        closures[key] = closure
        listed = closure.to_bytes(len(tables), "little")
        totals[key] = sum([table[byte] for table, byte in zip(tables, listed, strict=True) if byte])
    return totals


def _totals_of(
    arrows: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
    order: Sequence[str],
    only: Collection[str],
) -> dict[str, int]:
    """The same for some: who reaches an item is handed down, a bit for each; few such sets are different."""
    wanted = [key for key in order if key in only]
    bits = {key: 1 << number for number, key in enumerate(wanted)}
    reached_by: dict[str, int] = {}
    together: dict[int, int] = {}
    for key in order:
        by = reached_by.pop(key, 0) | bits.get(key, 0)
        together[by] = together.get(by, 0) + sizes[key]
        for each in arrows[key]:
            reached_by[each] = reached_by.get(each, 0) | by
    totals = dict.fromkeys(wanted, 0)
    for by, size in together.items():
        left = by
        while left:
            lowest = left & -left
            totals[wanted[lowest.bit_length() - 1]] += size
            left ^= lowest
    return totals


def _dominators(
    arrows: Mapping[str, Sequence[str]], roots: Sequence[str], order: Sequence[str]
) -> dict[str, str]:
    """The nearest item that all ways to each lead through; one pass is enough where nothing goes round."""
    above: dict[str, str] = dict.fromkeys(roots, _TOP)
    depth = {_TOP: 0}
    for key in order:
        depth[key] = depth[above[key]] + 1
        for each in arrows[key]:
            if each not in above:
                above[each] = key
                continue
            one, other = above[each], key
            while one != other:
                if depth[one] < depth[other]:
                    other = above[other]
                else:
                    one = above[one]
            above[each] = one
    return above
