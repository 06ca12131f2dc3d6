"""Why things are built: what is wanted, compared with what is there. `explanations` tells it.

What is there is the variant in the profile that is changed, else the newest item of the name whose derivation
the store still has. The store is asked once for all of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from larix.derivation import Lowered, instantiation_order
from larix.formats.storepath import StorePath, name_part
from larix.graphs.explain import Cause, Comparer
from larix.graphs.sides import stem_of
from larix.packages.grafts import GRAFT_VARIABLE
from larix.packages.origin import ARCHIVE_ENDINGS
from larix.packages.package import Package
from larix.packages.toolchain import toolchain
from larix.staging.lower import place_of
from larix.staging.modules import MODULES_NAME
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from larix.cli.session import Session
    from larix.errors import Location
    from larix.graphs.changes import Change
    from larix.staging import Lowering

__all__ = ["Explainer", "Explanation", "Subject", "Told", "original"]


_GRAFT = GRAFT_VARIABLE.encode()


class Subject(NamedTuple):
    """What a cause is told as: a package, the toolchain, modules. Equal ones are one."""

    name: str
    place: Location | None


class Told(NamedTuple):
    """`way` are the packages that lead to the subject; `builds` counts what is built for this."""

    subjects: tuple[Subject, ...]
    way: tuple[str, ...]
    changes: tuple[Change, ...]
    derivations: tuple[tuple[StorePath, StorePath], ...]
    builds: int


class Explanation(NamedTuple):
    """`compared` is the item that is there, and the time it was made; None when there is nothing."""

    name: str
    drv: StorePath
    compared: tuple[StorePath, int] | None
    causes: tuple[Told, ...]


class Explainer:
    """Explains the builds of one plan; `lowering` is what the wanted derivations came from."""

    def __init__(self, session: Session, lowering: Lowering, builds: Collection[StorePath]) -> None:
        self._store = session.store
        self._lowering = lowering
        self._builds = set(builds)

    def explain(
        self, wanted: Iterable[Lowered], instead: Mapping[StorePath, StorePath] | None = None
    ) -> list[Explanation]:
        """Of those wanted that are built; `instead` tells by derivation which item was there for it."""
        roots = list(dict.fromkeys(each for each in wanted if each.path in self._builds))
        users = _users(roots)
        comparer = Comparer(self._store.read_derivation)
        found: list[Explanation] = []
        seen: set[StorePath] = set()
        todo = roots[::-1]
        while todo:
            each = todo.pop()
            if each.path in seen or each.path not in self._builds:
                continue
            seen.add(each.path)
            before = self._before(each, (instead or {}).get(each.path))
            if before is not None:
                path, drv, moment = before
                causes = comparer.causes(self._original(drv), each)
                told = tuple(self._told(causes, users))
                found.append(Explanation(self._name(each), each.path, (path, moment), told))
                continue
            # What is new is no explanation of what it needs.
            if each in roots:
                found.append(Explanation(self._name(each), each.path, None, ()))
            todo += [needed for needed, _ in reversed(each.inputs)]
        return found

    def _before(self, new: Lowered, path: StorePath | None) -> tuple[StorePath, StorePath, int] | None:
        """An item, its derivation, and when it was made."""
        if path is not None and path in self._made:
            return path, *self._made[path]
        return self._newest.get(stem_of(new.name)) if new.path in self._packages else None

    @cached_property
    def _made(self) -> dict[StorePath, tuple[StorePath, int]]:
        return {path: (drv, moment) for path, drv, moment in self._store.made_paths()}

    @cached_property
    def _newest(self) -> dict[str, tuple[StorePath, StorePath, int]]:
        """By the names of derivations without versions; neither sources nor what is to be built."""
        found: dict[str, tuple[StorePath, StorePath, int]] = {}
        for path, (drv, moment) in self._made.items():
            full_name = name_part(drv).removesuffix(".drv")
            if drv in self._builds or full_name.endswith(ARCHIVE_ENDINGS):
                continue
            name = stem_of(full_name)
            known = found.get(name)
            if known is None or (moment, path) > (known[2], known[0]):
                found[name] = path, drv, moment
        return found

    def _original(self, drv: StorePath) -> StorePath:
        """What was grafted, for a graft; grafts are made again of whatever is built."""
        derivation = self._store.read_derivation(drv)
        if derivation.env.get(_GRAFT) != b"1":
            return drv
        same = [each for each in derivation.input_drvs if name_part(each) == name_part(drv)]
        return self._original(same[0]) if same else drv

    @cached_property
    def _values(self) -> dict[StorePath, object]:
        """By derivation, what became it: a package where there is one."""
        found: dict[StorePath, object] = {}
        for value, item in self._lowering.made():
            if isinstance(item.origin, Lowered):
                path = item.origin.path
                if isinstance(value, Package) or path not in found:
                    found[path] = value
        return found

    @cached_property
    def _packages(self) -> dict[StorePath, Package]:
        return {path: value for path, value in self._values.items() if isinstance(value, Package)}

    @cached_property
    def _tools(self) -> dict[StorePath, str]:
        """The derivations of the toolchain, with its name."""
        tools = toolchain()
        items = [self._lowering.lower(each.value) for each in tools.inputs]
        return {item.origin.path: tools.name for item in items}

    def _name(self, lowered: Lowered) -> str:
        package = self._packages.get(lowered.path)
        return package.full_name if package is not None else lowered.name

    def _subject(self, way: Sequence[Lowered]) -> tuple[Subject, int]:
        """Whose cause it is, and how many steps of the way lead there."""
        for index in range(len(way) - 1, -1, -1):
            path = way[index].path
            if way[index].name.startswith(MODULES_NAME):
                return Subject(tr("modules of the build side"), None), index
            if path in self._tools:
                return Subject(tr("toolchain {name}", name=self._tools[path]), None), index
            if path in self._packages:
                package = self._packages[path]
                return Subject(package.full_name, package.location), index
        return Subject(way[-1].name, place_of(self._values.get(way[-1].path))), len(way) - 1

    def _told(
        self, causes: Sequence[Cause], users: Mapping[StorePath, Sequence[StorePath]]
    ) -> Iterator[Told]:
        """Causes of one subject together, and then subjects with equal changes together."""
        ways: dict[Subject, tuple[str, ...]] = {}
        changes: dict[Subject, dict[Change, None]] = {}
        pairs: dict[Subject, dict[tuple[StorePath, StorePath], Lowered]] = {}
        for cause in causes:
            subject, steps = self._subject(cause.way)
            packages = [self._packages.get(each.path) for each in cause.way[:steps]]
            ways.setdefault(subject, tuple([each.full_name for each in packages if each is not None]))
            changes.setdefault(subject, {}).update(dict.fromkeys(cause.changes))
            pairs.setdefault(subject, {})[cause.old, cause.new.path] = cause.new
        alike: dict[tuple[Change, ...], list[Subject]] = {}
        for subject, some in changes.items():
            alike.setdefault(tuple(some), []).append(subject)
        for same, subjects in alike.items():
            derivations = [pair for each in subjects for pair in pairs[each]]
            reached = _reached(users, [new for _, new in derivations])
            count = len(reached & self._builds)
            yield Told(tuple(subjects), ways[subjects[0]], same, tuple(derivations), count)


def original(lowered: Lowered) -> Lowered:
    """What is grafted, where this is a graft."""
    if lowered.derivation.env.get(_GRAFT) != b"1":
        return lowered
    return next((original(each) for each, _ in lowered.inputs if each.name == lowered.name), lowered)


def _users(roots: Iterable[Lowered]) -> dict[StorePath, list[StorePath]]:
    found: dict[StorePath, list[StorePath]] = {}
    for lowered in instantiation_order(roots):
        for needed, _ in lowered.inputs:
            found.setdefault(needed.path, []).append(lowered.path)
    return found


def _reached(arrows: Mapping[StorePath, Sequence[StorePath]], start: Iterable[StorePath]) -> set[StorePath]:
    seen: set[StorePath] = set()
    todo = list(start)
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += arrows.get(path, ())
    return seen
