"""One change of a profile as a value: from the manifest that is to the one that shall be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from larix.errors import LarixError
from larix.packages.specification import Specification
from larix.packages.versions import version_key, version_matches
from larix.profiles.manifest import Entry, Manifest
from larix.words import tr

__all__ = ["Collision", "Effects", "NotInProfile", "Removal", "check_collisions", "transact"]


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

    An entry that is there already, the same in every respect, changes nothing and keeps its place; others go
    to the end. `NotInProfile` for a removal that meets nothing.
    """
    left = list(manifest.entries)
    for removal in remove:
        kept = [entry for entry in left if not removal.means(entry)]
        if len(kept) == len(left):
            raise NotInProfile(tr("package '{wanted}' not found in profile", wanted=removal.wanted))
        left = kept
    before = {entry.key: entry for entry in manifest.entries}
    for entry in install:
        if entry not in left:
            left = [other for other in left if other.key != entry.key]
            left.append(entry)
    after = {entry.key: entry for entry in left}
    upgraded: list[tuple[Entry, Entry]] = []
    downgraded: list[tuple[Entry, Entry]] = []
    for key, entry in after.items():
        old = before.get(key)
        if old is not None and old != entry:
            lower = version_key(old.version) > version_key(entry.version)
            (downgraded if lower else upgraded).append((old, entry))
    return Effects(
        Manifest(tuple(left)),
        installed=tuple(entry for key, entry in after.items() if key not in before),
        removed=tuple(entry for key, entry in before.items() if key not in after),
        upgraded=tuple(upgraded),
        downgraded=tuple(downgraded),
    )


def check_collisions(manifest: Manifest) -> None:
    """Raise `Collision` when entries, propagated ones included, contradict each other."""
    met: dict[tuple[str, str], tuple[Entry, tuple[Entry, ...]]] = {}
    seen: set[tuple[str, str]] = set()
    todo: list[tuple[Entry, tuple[Entry, ...]]] = [(entry, ()) for entry in reversed(manifest.entries)]
    while todo:
        entry, parents = todo.pop()
        first, first_parents = met.setdefault(entry.key, (entry, parents))
        if first.path != entry.path:
            raise _collision(first, first_parents, entry, parents)
        if (entry.path, entry.output) not in seen:
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
