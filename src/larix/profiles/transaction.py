"""One change of a profile as a value: from the manifest that is to the one that shall be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from larix.errors import LarixError
from larix.packages.blame import did_you_mean
from larix.packages.specification import Specification
from larix.packages.versions import version_key, version_matches
from larix.profiles.manifest import Entry, Manifest
from larix.words import tr

__all__ = [
    "Collision",
    "Effects",
    "NotInProfile",
    "Removal",
    "check_collisions",
    "effects_between",
    "find_collisions",
    "transact",
]


class NotInProfile(LarixError):
    """What was to be removed is not there."""


class Collision(LarixError):
    """Two entries of one name and output with different store paths would meet in one profile."""


class Removal(NamedTuple):
    """Which entry is to go: no version means any, no output the main one."""

    wanted: Specification

    def means(self, entry: Entry) -> bool:
        name, version, output = self.wanted
        return entry.key == (name, output or "out") and version_matches(entry.version, version)


class Effects(NamedTuple):
    """The new manifest, and in which way it differs; pairs hold the old and the new entry."""

    manifest: Manifest
    installed: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()
    upgraded: tuple[tuple[Entry, Entry], ...] = ()
    downgraded: tuple[tuple[Entry, Entry], ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.installed or self.removed or self.upgraded or self.downgraded)


def transact(manifest: Manifest, *, remove: Sequence[Removal], install: Sequence[Entry]) -> Effects:
    """Removals first, then installations; an installed entry replaces one of its name and output.

    An entry that is there already, the same in every respect but where it was defined, changes nothing and
    keeps its place; others go to the end. `NotInProfile` for a removal that meets nothing.
    """
    before = {entry.key: entry for entry in manifest.entries}
    after = dict(before)
    for removal in remove:
        gone = [entry for entry in after.values() if removal.means(entry)]
        if not gone:
            raise NotInProfile(
                tr("package '{wanted}' not found in profile", wanted=removal.wanted),
                hint=did_you_mean(removal.wanted.name, [entry.name for entry in manifest.entries]),
            )
        for entry in gone:
            del after[entry.key]
    for entry in install:
        old = after.get(entry.key)
        if old is None or not entry.is_same(old):
            after.pop(entry.key, None)
            after[entry.key] = entry
    return _effects(before, after)


def effects_between(old: Manifest, new: Manifest) -> Effects:
    """In which way one manifest differs from another."""
    before = {entry.key: entry for entry in old.entries}
    return _effects(before, {entry.key: entry for entry in new.entries})


def _effects(before: Mapping[tuple[str, str], Entry], after: Mapping[tuple[str, str], Entry]) -> Effects:
    upgraded: list[tuple[Entry, Entry]] = []
    downgraded: list[tuple[Entry, Entry]] = []
    for key, entry in after.items():
        old = before.get(key)
        if old is not None and not old.is_same(entry):
            lower = version_key(old.version) > version_key(entry.version)
            (downgraded if lower else upgraded).append((old, entry))
    return Effects(
        Manifest(tuple(after.values())),
        installed=tuple(entry for key, entry in after.items() if key not in before),
        removed=tuple(entry for key, entry in before.items() if key not in after),
        upgraded=tuple(upgraded),
        downgraded=tuple(downgraded),
    )


def check_collisions(manifest: Manifest) -> None:
    """Raise `Collision` when entries, propagated ones included, contradict each other."""
    for collision in find_collisions(manifest):
        raise collision


def find_collisions(manifest: Manifest) -> Iterator[Collision]:
    """Each entry that contradicts the first one of its name and output."""
    met: dict[tuple[str, str], tuple[Entry, tuple[Entry, ...]]] = {}
    seen: set[tuple[str, str]] = set()
    todo: list[tuple[Entry, tuple[Entry, ...]]] = [(entry, ()) for entry in reversed(manifest.entries)]
    while todo:
        entry, parents = todo.pop()
        first, first_parents = met.setdefault(entry.key, (entry, parents))
        if (entry.path, entry.output) not in seen:
            if first.path != entry.path:
                yield _collision(first, first_parents, entry, parents)
            seen.add((entry.path, entry.output))
            todo += [(other, (entry, *parents)) for other in reversed(entry.propagated_inputs)]


def _collision(
    first: Entry, first_parents: tuple[Entry, ...], second: Entry, second_parents: tuple[Entry, ...]
) -> Collision:
    output = "" if first.output == "out" else f":{first.output}"
    lines = [tr("profile contains conflicting entries for {first}{output}", first=first.name, output=output)]
    words = tr("first entry:"), tr("second entry:")
    for word, entry, parents in zip(words, (first, second), (first_parents, second_parents), strict=True):
        lines.append(f"  {word} {entry.name}@{entry.version}{output} {entry.path}")
        lines += [
            tr("   ... propagated from {parent}@{version}", parent=parent.name, version=parent.version)
            for parent in parents
        ]
    names = sorted(
        {
            (parents[-1] if parents else entry).name
            for entry, parents in (
                (first, first_parents),
                (second, second_parents),
            )
        }
    )
    if len(names) > 1:
        hint = tr(
            "Try upgrading both `{first}' and `{second}', or put them in separate profiles.",
            first=names[0],
            second=names[1],
        )
    else:
        hint = tr(
            "Try upgrading `{name}', or put what needs the other one in a separate profile.", name=names[0]
        )
    return Collision("\n".join(lines), hint=hint)
