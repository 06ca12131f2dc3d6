"""Grafts in commands: the originals are built first, for only their references tell what is to be grafted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.cli.building import realise, tell_work, work_for
from larix.cli.targets import Target
from larix.derivation import Lowered
from larix.packages.grafts import graft_items, made_by, replacements
from larix.protocol import BuildTarget
from larix.staging import Item
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions
    from larix.staging import Lowering

__all__ = ["Grafts", "find_grafts", "graft_targets", "tell_pending"]


class Grafts(NamedTuple):
    """`new` tells by store path what takes the place of an item; the rest stays.

    In a dry run it may be that nobody can know yet: `pending` are then the packages, as OLD and NEW full
    names, whose replacements come into question when all is built, and `needed` is what is to be built
    beside the originals.
    """

    new: Mapping[str, Item] = {}
    pending: tuple[tuple[str, str], ...] = ()
    needed: tuple[BuildTarget, ...] = ()


def find_grafts(
    session: Session, lowering: Lowering, items: Iterable[Item], options: BuildOptions, *, dry_run: bool
) -> Grafts:
    """What replacements do to `items`, which are built if they may be concerned; nothing is grafted yet."""
    wanted = [item for item in items if isinstance(item.origin, Lowered)]
    candidates = replacements(lowering)
    if not candidates:
        return Grafts()
    sources = made_by(wanted)
    concerned = [each for path, each in candidates.items() if path in sources]
    if not concerned:
        return Grafts()
    store = session.store
    replaced: dict[str, Item] = {}
    while True:
        if _build(session, [*wanted, *replaced.values()], options, dry_run=dry_run):
            names = ((each.package.full_name, _full_name_of_new(each.package)) for each in concerned)
            return Grafts({}, tuple(dict.fromkeys(names)), tuple(_targets(replaced.values())))
        closure = store.closure([_store_path(item) for item in (*wanted, *replaced.values())])
        candidates = replacements(lowering)
        fresh = {path: candidates[path] for path in closure if path in candidates and path not in replaced}
        if not fresh:
            break
        replaced |= {path: each.lower(lowering) for path, each in fresh.items()}
        options = options._replace(check=False, rounds=1)
    references: dict[str, tuple[StorePath, ...]] = {
        path: info.references for path, info in store.path_infos(closure).items()
    }
    new = graft_items(
        [_store_path(item) for item in wanted],
        references=references,
        replaced=replaced,
        origins=made_by([*wanted, *replaced.values()]),
        lowering=lowering,
    )
    return Grafts(new)


def _full_name_of_new(package: object) -> str:
    return getattr(getattr(package, "replacement", None), "full_name", "?")


def _store_path(item: Item) -> StorePath:
    """The store item that `item` is, or is a file in."""
    origin = item.origin
    return origin.output_path(item.output or "out") if isinstance(origin, Lowered) else origin.path


def _build(session: Session, items: Iterable[Item], options: BuildOptions, *, dry_run: bool) -> bool:
    """Make the items valid; in a dry run, tell whether they are not."""
    listed = list(items)
    session.store.instantiate([item.origin for item in listed if isinstance(item.origin, Lowered)])
    targets = _targets(listed)
    work = work_for(session, targets)
    if dry_run:
        return len(work) > 0
    if len(work) or options.check or options.rounds > 1:
        if options.verbosity >= 1:
            tell_work(work, dry_run=False, verbosity=options.verbosity)
        realise(session, targets, options, work)
    return False


def _targets(items: Iterable[Item]) -> list[BuildTarget]:
    return [
        BuildTarget(item.origin.path, (item.output or "out",))
        for item in items
        if isinstance(item.origin, Lowered)
    ]


def tell_pending(pending: Sequence[tuple[str, str]]) -> None:
    """In a dry run: which replacements may come into effect."""
    pairs = ", ".join(tr("{old} by {new}", old=old, new=new) for old, new in pending)
    diagnostics.note(tr("grafts are known when this is built; what may be replaced: {pairs}", pairs=pairs))


def graft_targets(
    session: Session, targets: Sequence[Target], options: BuildOptions, *, dry_run: bool
) -> tuple[list[Target], Grafts]:
    """The targets with grafts in the place of those that need them, each output a target of its own."""
    lowering = next((target.lowering for target in targets if target.lowering is not None), None)
    if lowering is None:
        return list(targets), Grafts()
    items = {item.path: item for target in targets for item in _items(target)}
    grafts = find_grafts(session, lowering, items.values(), options, dry_run=dry_run)
    made = [each for target in targets for each in _grafted(target, grafts.new)]
    return made, grafts


def _items(target: Target) -> list[Item]:
    """The outputs that a target asks for."""
    lowered = target.lowered
    if lowered is None or target.lowering is None:
        return []
    asked = (
        target.build.outputs if target.build is not None and target.build.outputs else lowered.output_names
    )
    return [Item(path, lowered, name) for name, path in lowered.outputs.items() if name in asked]


def _grafted(target: Target, new: Mapping[str, Item]) -> list[Target]:
    items = _items(target)
    if not any(item.path in new for item in items):
        return [target]
    made: list[Target] = []
    for path in target.paths:
        for item in items:
            if path == item.path or path.startswith(f"{item.path}/"):
                item_now = new.get(item.path, item)
                name = item_now.path + path.removeprefix(item.path)
                made.append(_target(name, item_now))
    return made


def _target(path: str, item: Item) -> Target:
    origin = item.origin
    if not isinstance(origin, Lowered):
        return Target((path,), source=origin)
    return Target((path,), BuildTarget(origin.path, (item.output or "out",)), origin)
