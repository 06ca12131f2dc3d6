"""Packages that need themselves, found without lowering any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.packages.bag import package_of
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larix.packages.package import Package

__all__ = ["InputCycle", "find_cycles"]


class InputCycle(LarixError):
    """Packages need each other in a circle, so that none of them can be built."""

    def __init__(self, packages: Sequence[Package]) -> None:
        names = " → ".join(each.full_name for each in (*packages, packages[0]))
        super().__init__(
            tr("packages need each other: {names}", names=names),
            place=packages[0].location,
            hint=", ".join(
                tr("`{package}` is defined at {location}", package=each.name, location=each.location)
                for each in packages[1:]
            )
            or None,
        )


def find_cycles(packages: Sequence[Package]) -> Iterator[InputCycle]:
    """A cycle for each way back that a walk along inputs meets; only among the `packages` given."""
    known = {id(each): each for each in packages}
    finished: set[int] = set()
    for package in packages:
        path: list[Package] = []
        places: dict[int, int] = {}  # of those on the path
        pending: list[tuple[Package, Iterator[Package]]] = [(package, _inputs(package))]
        while pending:
            current, inputs = pending[-1]
            if id(current) not in places:
                if id(current) in finished:
                    pending.pop()
                    continue
                places[id(current)] = len(path)
                path.append(current)
            following = next(inputs, None)
            if following is None:
                pending.pop()
                path.pop()
                del places[id(current)]
                finished.add(id(current))
            elif id(following) in places:
                yield InputCycle(path[places[id(following)] :])
            elif id(following) in known and id(following) not in finished:
                pending.append((following, _inputs(following)))


def _inputs(package: Package) -> Iterator[Package]:
    try:
        inputs = package.direct_inputs()
    except LarixError:  # told elsewhere
        return
    for each in inputs:
        found = package_of(each.value)
        if found is not None:
            yield found
