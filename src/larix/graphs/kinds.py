"""The kinds of graphs, and how each is made of what a command line names.

Graphs of packages and of derivations are made without a store. What a store knows is handed in, so that one
question to it is enough for the whole graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from larix.derivation import Lowered, Source
from larix.formats.storepath import StorePath, name_part
from larix.graphs.graph import Graph, walk
from larix.packages.bag import package_of
from larix.packages.inputs import name_of
from larix.packages.native import Native
from larix.packages.origin import Origin
from larix.packages.package import Package, package_bag
from larix.packages.toolchain import toolchain

if TYPE_CHECKING:
    from collections.abc import Hashable

    from larix.packages.bag import Bag
    from larix.packages.catalogue import Catalogue
    from larix.protocol import PathInfo
    from larix.staging.lower import Lowering

__all__ = [
    "Workshop",
    "derivation_graph",
    "item_graph",
    "package_graph",
]

Needs: TypeAlias = Callable[[object], Iterable[object]]


class Workshop:
    """What graphs of packages ask: a lowering for bags, and the catalogue for those that go backwards."""

    def __init__(self, lowering: Callable[[], Lowering], catalogue: Callable[[], Catalogue]) -> None:
        self._lowering = lowering
        self._catalogue = catalogue
        self._bags: dict[int, Bag] = {}

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue()

    def bag(self, package: Package) -> Bag:
        known = self._bags.get(id(package))
        if known is None:
            known = self._bags[id(package)] = package_bag(package, self._lowering())
        return known

    def all_packages(self) -> Iterator[Package]:
        """Those of the catalogue that can be built on its system."""
        for entry in self.catalogue.entries:
            package = self.catalogue.load(entry)
            if self.catalogue.system in package.supported_systems:
                yield package


def package_graph(
    kind: str, roots: Sequence[object], workshop: Workshop, *, max_depth: int | None = None
) -> Graph:
    """A graph of one of the kinds whose nodes are packages."""
    needs = _NEEDS[kind](workshop)
    start = [package_of(each) or each for each in roots]
    return walk(start, identity=_identity, describe=_describe, needs=needs, max_depth=max_depth)


def _identity(subject: object) -> Hashable:
    return id(subject)


def _describe(subject: object) -> tuple[str, str]:
    if isinstance(subject, Package):
        return subject.full_name, subject.full_name
    name = name_of(subject) or f"{subject!r:.60}"
    return name, name


def _named(_workshop: Workshop) -> Needs:
    """Packages among the inputs that definitions name."""

    def needs(subject: object) -> Iterator[object]:
        if isinstance(subject, Package):
            found = (package_of(each.value) for each in subject.direct_inputs())
            yield from (each for each in found if each is not None)

    return needs


def _bag(workshop: Workshop) -> Needs:
    return lambda subject: _of_bag(workshop, subject, origins=False, tools=True)


def _bag_with_origins(workshop: Workshop) -> Needs:
    return lambda subject: _of_bag(workshop, subject, origins=True, tools=True)


def _bag_emerged(workshop: Workshop) -> Needs:
    return lambda subject: _of_bag(workshop, subject, origins=False, tools=False)


def _of_bag(workshop: Workshop, subject: object, *, origins: bool, tools: bool) -> Iterator[object]:
    if isinstance(subject, Origin) and (subject.patches or subject.snippet is not None):
        yield from (each.value for each in toolchain().inputs)
    if not isinstance(subject, Package):
        return
    bag = workshop.bag(subject)
    implied = {id(each.value) for each in toolchain(bag.arguments.get("toolchain")).inputs}
    if origins and bag.source is not None:
        yield bag.source
    for each in (*bag.host_inputs, *bag.build_inputs, *bag.target_inputs):
        value: object = each.value.value if isinstance(each.value, Native) else each.value
        needed = package_of(value) or value
        if (tools or id(value) not in implied) and (origins or not isinstance(needed, Origin)):
            yield needed


def _reversed(forwards: Callable[[Workshop], Needs]) -> Callable[[Workshop], Needs]:
    """What needs each, among all packages of the catalogue."""

    def backwards(workshop: Workshop) -> Needs:
        users: dict[int, dict[int, object]] = {}
        seen: dict[int, object] = {}
        todo: list[object] = [*workshop.all_packages()]
        needs = forwards(workshop)
        while todo:
            user = todo.pop()
            if id(user) in seen:
                continue
            seen[id(user)] = user
            for each in needs(user):
                users.setdefault(id(each), {})[id(user)] = user
                todo.append(each)
        return lambda subject: sorted(users.get(id(subject), {}).values(), key=_describe)

    return backwards


_NEEDS: Mapping[str, Callable[[Workshop], Needs]] = {
    "package": _named,
    "reverse-package": _reversed(_named),
    "bag": _bag,
    "bag-with-origins": _bag_with_origins,
    "bag-emerged": _bag_emerged,
    "reverse-bag": _reversed(_bag),
}


def derivation_graph(roots: Iterable[Lowered | Source], *, max_depth: int | None = None) -> Graph:
    """Derivations as they were lowered, whether or not a store has them."""
    start: Iterable[Lowered | Source | StorePath] = roots
    return walk(start, identity=_path_of, describe=_described_item, needs=_of_derivation, max_depth=max_depth)


def _path_of(subject: Lowered | Source | StorePath) -> StorePath:
    return subject if isinstance(subject, str) else subject.path


def _of_derivation(subject: Lowered | Source | StorePath) -> Iterator[Lowered | Source | StorePath]:
    if isinstance(subject, Lowered):
        known = {each.path: each for each in subject.sources} | {
            each.path: each for each, _ in subject.inputs
        }
        yield from (known.get(path, path) for path in subject.references)


def _described_item(subject: Lowered | Source | StorePath) -> tuple[str, str]:
    path = _path_of(subject)
    return name_part(path), path


def item_graph(
    roots: Iterable[StorePath],
    infos: Mapping[StorePath, PathInfo],
    *,
    upwards: bool = False,
    max_depth: int | None = None,
) -> Graph:
    """Items and what they refer to, or with `upwards` what refers to them; `infos` has all that is wanted."""
    arrows: dict[StorePath, list[StorePath]] = {path: [] for path in infos}
    for path, info in sorted(infos.items()):
        for reference in info.references:
            if reference != path and reference in infos:
                start, end = (reference, path) if upwards else (path, reference)
                arrows[start].append(end)
    return walk(
        [infos[path] for path in roots],
        identity=lambda info: info.path,
        describe=lambda info: (name_part(info.path), info.path),
        needs=lambda info: [infos[each] for each in arrows[info.path]],
        max_depth=max_depth,
    )
