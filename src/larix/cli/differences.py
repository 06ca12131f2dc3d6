"""What differs between generations, or any items of the store: packages, and the items that they need."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import plan
from larix.cli.listing import entry_data
from larix.cli.options import UsageError
from larix.cli.profiles import Profile, read_item_manifest
from larix.cli.switching import generation_named
from larix.cli.tables import print_json
from larix.formats.storepath import name_part
from larix.profiles import generation
from larix.profiles.manifest import EMPTY, Manifest
from larix.profiles.transaction import Effects, effects_between
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath

__all__ = ["Side", "print_difference", "print_differences", "side_of_item"]


class Side(NamedTuple):
    """One of two that are compared: `name` and `data` are what to call it.

    `sizes` are those of all that it needs; a profile, known by its manifest, is links to it, not counted.
    """

    name: str
    data: int | str
    manifest: Manifest | None
    sizes: Mapping[StorePath, int]


class _Item(NamedTuple):
    """What a closure has under one name: the versions, and all bytes."""

    versions: tuple[str, ...]
    size: int


def print_difference(profile: Profile, names: Sequence[str], *, as_json: bool) -> int:
    """From one generation to the other: by default to the current one, from the one before it."""
    profile.require()
    profile.require_generations()
    first, second = (
        Side(str(number), number, profile.manifest(number), _closure(profile, number))
        for number in _numbers(profile, names)
    )
    heading = tr("Generation {first} → {second}", first=first.name, second=second.name)
    return print_differences(first, second, heading, "generation", as_json=as_json)


def side_of_item(session: Session, path: StorePath, name: str) -> Side:
    """An item with all that it refers to; as a profile, if it is one."""
    sizes = _sizes(session, path)
    if not os.path.exists(f"{path}/manifest"):
        return Side(name, path, None, sizes)
    return Side(name, path, read_item_manifest(path), _without(path, sizes))


def print_differences(first: Side, second: Side, heading: str, what: str, *, as_json: bool) -> int:
    """`what` is the field that tells which two are compared."""
    effects = effects_between(first.manifest or EMPTY, second.manifest or EMPTY)
    sizes = first.sizes, second.sizes
    totals = sum(sizes[0].values()), sum(sizes[1].values())
    if as_json:
        both: dict[str, Any] = {what: {"from": first.data, "to": second.data}}
        print_json(
            **both,
            added=[entry_data(entry) for entry in effects.installed],
            removed=[entry_data(entry) for entry in effects.removed],
            upgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.upgraded],
            downgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.downgraded],
            size={"from": totals[0], "to": totals[1]},
            items={
                "added": _item_data(sizes[1], sizes[0]),
                "removed": _item_data(sizes[0], sizes[1]),
            },
        )
        return 0
    if first.manifest is None or second.manifest is None:
        total = plan.item_size_line(second.name, totals[1], first.name, totals[0])
    else:
        total = plan.size_line(*totals, dry_run=False)
    _print(effects, heading, sizes, total)
    return 0


def _numbers(profile: Profile, names: Sequence[str]) -> tuple[int, int]:
    if len(names) > 2:
        raise UsageError(tr("{name}: extraneous argument: two generations are compared", name=names[2]))
    current = generation.current_generation(profile.file)
    numbers = [_number(profile, name) for name in names]
    if not numbers:
        return generation.previous_generation(profile.file, current), current
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (numbers[0], current)


def _number(profile: Profile, name: str) -> int:
    number = generation_named(profile, name)
    if number is None or (number != 0 and profile.item(number) is None):
        raise profile.lacks(name)
    return number


def _closure(profile: Profile, number: int) -> dict[StorePath, int]:
    """The size of each item that the generation needs."""
    item = profile.item(number)
    return {} if item is None else _without(item, _sizes(profile.session, item))


def _without(item: StorePath, sizes: Mapping[StorePath, int]) -> dict[StorePath, int]:
    return {path: size for path, size in sizes.items() if path != item}


def _sizes(session: Session, item: StorePath) -> dict[StorePath, int]:
    store = session.store
    return {path: info.nar_size for path, info in store.path_infos(store.closure([item])).items()}


def _item_data(some: Mapping[StorePath, int], others: Mapping[StorePath, int]) -> list[dict[str, Any]]:
    return [{"path": path, "size": some[path]} for path in sorted(some) if path not in others]


def _print(
    effects: Effects, heading: str, sizes: tuple[Mapping[StorePath, int], Mapping[StorePath, int]], total: str
) -> None:
    print(f"{heading}\n")
    lines = plan.difference_lines(effects)
    old, new = _by_name(sizes[0]), _by_name(sizes[1])
    below = [
        _row(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if below:
        lines += [tr("store items:"), *(f"   {row}" for row in below), ""]
    print("\n".join([*lines, total]))


def _by_name(sizes: Mapping[StorePath, int]) -> dict[str, _Item]:
    found: dict[str, _Item] = {}
    for path, size in sorted(sizes.items(), key=lambda pair: name_part(pair[0])):
        match = re.fullmatch(r"(?P<name>.+?)-(?P<version>[0-9].*)", name_part(path))
        name, version = (match["name"], match["version"]) if match else (name_part(path), "")
        before = found.get(name, _Item((), 0))
        found[name] = _Item((*before.versions, version), before.size + size)
    return found


def _row(name: str, old: _Item | None, new: _Item | None) -> str:
    """One name: its versions if they differ, and by how much its size does."""
    versions = [", ".join(each.versions) for each in (old, new) if each is not None]
    shown = " → ".join(dict.fromkeys(versions))
    change = (new.size if new else 0) - (old.size if old else 0)
    size = f" ({'+' if change > 0 else '-'}{plan.shown_bytes(abs(change))})" if change else ""
    fate = tr(", new") if old is None else tr(", gone") if new is None else ""
    return f"{name} {shown}".rstrip() + fate + size
