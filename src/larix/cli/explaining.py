"""Why things are built: what is wanted, compared with what is there, in words and as JSON.

What is there is the variant in the profile that is changed, else the newest item of the name whose derivation
the store still has. The store is asked once for all of them.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
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

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from larix.cli.session import Session
    from larix.errors import Location
    from larix.graphs.changes import Change
    from larix.staging import Lowering

__all__ = ["Explainer", "Explanation", "explanation_data", "tell_explanations"]


_MOST = 12  # subjects with equal changes, and causes, that are told by name
_TEXTS = ("file", "function", "module", "patch")  # what is told of these are lines
_INLINE, _WIDTH = 70, 100
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
                return Subject("modules of the build side", None), index
            if path in self._tools:
                return Subject(f"toolchain {self._tools[path]}", None), index
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


def tell_explanations(explanations: Sequence[Explanation], *, dry_run: bool) -> None:
    """Those with the same causes together."""
    alike: dict[object, list[Explanation]] = {}
    for each in explanations:
        key = (each.compared is None, tuple((told.subjects, told.changes) for told in each.causes))
        alike.setdefault(key, []).append(each)
    for same in alike.values():
        for line in _lines(same, dry_run=dry_run):
            diagnostics.say(line)


def _lines(same: Sequence[Explanation], *, dry_run: bool) -> Iterator[str]:
    will = "would" if dry_run else "will"
    first, names = same[0], _listed([each.name for each in same])
    if first.compared is None:
        what = "this name to compare it" if len(same) == 1 else "these names to compare them"
        yield f"Why {names} {will} be built: there is nothing of {what} with."
        yield ""
        return
    if len(same) == 1:
        path, moment = first.compared
        made = time.strftime("%b %d %Y %T", time.localtime(moment))
        yield f"Why {names} {will} be built, compared with {path} of {made}:"
    else:
        yield f"Why {names} {will} be built, compared with what is there:"
    if not first.causes:
        yield "   nothing changed: it was deleted"
    for told in first.causes[:_MOST]:
        yield f"   {_subjects(told)}{_way(told, first.name) if len(same) == 1 else ''}:"
        for change in told.changes:
            yield from _change_lines(change)
    if len(first.causes) > _MOST:
        yield f"   and {len(first.causes) - _MOST} others; `--json' tells all"
    yield ""


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST:
        return f"{', '.join(names[:_MOST])} and {len(names) - _MOST} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _subjects(told: Told) -> str:
    first = told.subjects[0]
    if len(told.subjects) == 1:
        return f"{first.name} ({first.place})" if first.place is not None else first.name
    return _listed([each.name for each in told.subjects])


def _way(told: Told, name: str) -> str:
    between = [each for each in told.way if each != name]
    by = f", by way of {' → '.join(reversed(between))}" if between and len(told.subjects) == 1 else ""
    others = told.builds - 1
    count = f"; {others + 1} derivations are built for this" if others > 0 else ""
    return by + count


def _change_lines(change: Change) -> Iterator[str]:
    place = f" ({change.place})" if change.place is not None else ""
    what = (
        f"{change.kind.replace('-', ' ')} `{change.name}'" if change.name else change.kind.replace("-", " ")
    )
    old, new = change.old, change.new
    if change.kind in ("version", "system", "outputs"):
        yield f"      {what} {old} → {new}"
    elif change.kind == "source" and new == change.name and old and old != new:
        yield f"      source {old} → {new}{place}"
    elif old in ("", change.name) and new in ("", change.name) and old != new:
        yield f"      {what} is {'new' if new else 'gone'}{place}"
    elif not old and not new:
        yield f"      {what} changed{place}"
    elif change.kind in _TEXTS or len(old) + len(new) > _INLINE:
        yield f"      {what} changed{place}:"
        texts = zip("-+", _shortened(old, new), strict=True)
        yield from (f"        {sign} {text}" for sign, text in texts if text)
    elif old and new:
        yield f"      {what}: `{old}' → `{new}'{place}"
    else:
        yield f"      {what}: `{old or new}' is {'new' if new else 'gone'}{place}"


def _shortened(old: str, new: str) -> tuple[str, str]:
    """Both on one line each, which begins near to where they part."""
    old, new = (" ".join(text.split()) for text in (old, new))
    start = 0
    if max(len(old), len(new)) > _WIDTH:
        pairs = enumerate(zip(old, new, strict=False))
        parting = next((index for index, (one, other) in pairs if one != other), min(len(old), len(new)))
        start = max(parting - _WIDTH // 3, 0)
    cut = [f"{'…' if start else ''}{text[start:]}" if text else "" for text in (old, new)]
    first, second = (f"{text[: _WIDTH - 1]}…" if len(text) > _WIDTH else text for text in cut)
    return first, second


def explanation_data(explanations: Iterable[Explanation]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "derivation": each.drv,
            "compared": None
            if each.compared is None
            else {"path": each.compared[0], "time": each.compared[1]},
            "causes": [_told_data(told) for told in each.causes],
        }
        for each in explanations
    ]


def _told_data(told: Told) -> dict[str, Any]:
    return {
        "subjects": [
            {"name": each.name, "location": None if each.place is None else str(each.place)}
            for each in told.subjects
        ],
        "way": list(told.way),
        "builds": told.builds,
        "derivations": [{"from": old, "to": new} for old, new in told.derivations],
        "changes": [
            {
                "kind": change.kind,
                "name": change.name,
                "from": change.old,
                "to": change.new,
                "location": None if change.place is None else str(change.place),
            }
            for change in told.changes
        ],
    }
