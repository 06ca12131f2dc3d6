"""Who needs whom among packages, with what build systems add to what definitions name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.packages.bag import package_of
from larix.packages.native import Native
from larix.packages.package import package_bag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from larix.packages.package import Package
    from larix.staging.lower import Lowering

__all__ = ["dependents_of", "needed_by"]


def needed_by(package: Package, lowering: Lowering) -> list[Package]:
    """The packages that it is built with, those that they propagate, and those that it propagates itself.

    Raises what lowering a definition raises.
    """
    bag = package_bag(package, lowering)
    found: dict[int, Package] = {}
    for each in (*bag.build_inputs, *bag.host_inputs, *bag.target_inputs, *package.propagated_inputs):
        value = each.value.value if isinstance(each.value, Native) else each.value
        needed = package_of(value)
        if needed is not None:
            found[id(needed)] = needed
    return list(found.values())


def dependents_of(
    packages: Iterable[Package],
    wanted: Iterable[Package],
    lowering: Lowering,
    *,
    depth: int | None = None,
    tell: Callable[[LarixError], object] | None = None,
) -> list[Package]:
    """Those of `packages` that need one of `wanted`, which are left out: the nearest first.

    With `depth` those at most as many steps away, where what is no part of `packages` counts as a step, too.
    `tell` hears of definitions that cannot be looked at.
    """
    users = _users(packages, lowering, tell)
    listed = {id(each) for each in packages}
    front = list(wanted)
    seen = {id(each) for each in front}
    found: list[Package] = []
    steps = 0
    while front and (depth is None or steps < depth):
        steps += 1
        reached = {id(user): user for each in front for user in users.get(id(each), ())}
        front = sorted(
            (each for key, each in reached.items() if key not in seen), key=lambda each: each.full_name
        )
        seen.update(map(id, front))
        found += [each for each in front if id(each) in listed]
    return found


def _users(
    packages: Iterable[Package], lowering: Lowering, tell: Callable[[LarixError], object] | None
) -> dict[int, list[Package]]:
    users: dict[int, list[Package]] = {}
    todo = list(packages)
    seen = {id(each) for each in todo}
    while todo:
        package = todo.pop()
        try:
            needed = needed_by(package, lowering)
        except LarixError as error:
            if tell is not None:
                tell(error)
            continue
        for each in needed:
            users.setdefault(id(each), []).append(package)
            if id(each) not in seen:
                seen.add(id(each))
                todo.append(each)
    return users
