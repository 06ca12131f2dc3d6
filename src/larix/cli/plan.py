"""The words of a plan: what will, or in a dry run would, happen to a profile and in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from larix.profiles.manifest import Entry
from larix.profiles.transaction import Effects
from larix.store.sizes import shown_size
from larix.words import mark_plural, plural, tr

if TYPE_CHECKING:
    from larix.cli.cost import Cost

__all__ = [
    "build_lines",
    "cost_lines",
    "difference_lines",
    "download_lines",
    "effect_lines",
    "graft_lines",
    "item_size_line",
    "shown_bytes",
    "size_line",
    "unknown_size_line",
]


# What happens, in a plan and in that of a dry run: of one, and of several.
_HEADINGS = {
    "installed": (
        mark_plural("The following package will be installed:", "The following packages will be installed:"),
        mark_plural(
            "The following package would be installed:", "The following packages would be installed:"
        ),
    ),
    "removed": (
        mark_plural("The following package will be removed:", "The following packages will be removed:"),
        mark_plural("The following package would be removed:", "The following packages would be removed:"),
    ),
    "upgraded": (
        mark_plural("The following package will be upgraded:", "The following packages will be upgraded:"),
        mark_plural("The following package would be upgraded:", "The following packages would be upgraded:"),
    ),
    "downgraded": (
        mark_plural(
            "The following package will be downgraded:", "The following packages will be downgraded:"
        ),
        mark_plural(
            "The following package would be downgraded:", "The following packages would be downgraded:"
        ),
    ),
    "built": (
        mark_plural("The following derivation will be built:", "The following derivations will be built:"),
        mark_plural("The following derivation would be built:", "The following derivations would be built:"),
    ),
    "grafted": (
        mark_plural("The following graft will be made:", "The following grafts will be made:"),
        mark_plural("The following graft would be made:", "The following grafts would be made:"),
    ),
    "downloaded": (
        mark_plural("The following file will be downloaded:", "The following files will be downloaded:"),
        mark_plural("The following file would be downloaded:", "The following files would be downloaded:"),
    ),
}


def _block(happens: str, rows: Sequence[str], *, dry_run: bool, indent: int = 2) -> list[str]:
    """A part of the plan: heading, rows, an empty line; nothing for no rows."""
    if not rows:
        return []
    heading = plural(*_HEADINGS[happens][dry_run], len(rows))
    return [heading, *(" " * indent + row for row in rows), ""]


def effect_lines(effects: Effects, *, dry_run: bool) -> list[str]:
    blocks: Iterable[tuple[str, list[str]]] = (
        ("removed", [_row(entry) for entry in effects.removed]),
        ("downgraded", [_change(*pair) for pair in effects.downgraded]),
        ("upgraded", [_change(*pair) for pair in effects.upgraded]),
        ("installed", [_row(entry) for entry in effects.installed]),
    )
    return [line for happens, rows in blocks for line in _block(happens, rows, dry_run=dry_run, indent=3)]


def difference_lines(effects: Effects) -> list[str]:
    """The same blocks for what has happened."""
    blocks = (
        (tr("removed:"), [_row(entry) for entry in effects.removed]),
        (tr("downgraded:"), [_change(*pair) for pair in effects.downgraded]),
        (tr("upgraded:"), [_change(*pair) for pair in effects.upgraded]),
        (tr("added:"), [_row(entry) for entry in effects.installed]),
    )
    return [line for word, rows in blocks if rows for line in (word, *(f"   {each}" for each in rows), "")]


def size_line(before: int | None, after: int | None, *, dry_run: bool) -> str:
    """What is installed takes up with all that it needs; the links to it, as long unknown, do not count."""
    old, new = before or 0, after or 0
    gaps = {"size": shown_bytes(new), "change": shown_bytes(abs(new - old))}
    if old == new:
        return (
            tr("The profile would take {size}, as before", **gaps)
            if dry_run
            else tr("The profile takes {size}, as before", **gaps)
        )
    if new > old:
        return (
            tr("The profile would take {size}, {change} more than before", **gaps)
            if dry_run
            else tr("The profile takes {size}, {change} more than before", **gaps)
        )
    return (
        tr("The profile would take {size}, {change} less than before", **gaps)
        if dry_run
        else tr("The profile takes {size}, {change} less than before", **gaps)
    )


def unknown_size_line(*, dry_run: bool) -> str:
    return (
        tr("How much the profile would take is not known before it is built")
        if dry_run
        else tr("How much the profile will take is not known before it is built")
    )


def item_size_line(name: str, size: int, other: str, before: int) -> str:
    """What an item and all that it needs take up, beside another that took `before`."""
    gaps = {
        "name": name,
        "size": shown_bytes(size),
        "change": shown_bytes(abs(size - before)),
        "other": other,
    }
    if size == before:
        return tr("{name} takes {size} with all that it needs, as {other} does", **gaps)
    if size > before:
        return tr("{name} takes {size} with all that it needs, {change} more than {other}", **gaps)
    return tr("{name} takes {size} with all that it needs, {change} less than {other}", **gaps)


def shown_bytes(count: int) -> str:
    """With one decimal, in the largest unit that gives at least one."""
    return shown_size(count, 1)


def cost_lines(cost: Cost) -> list[str]:
    """What the builds will take, going by earlier ones of the same names."""
    needed = _duration(cost.seconds)
    if cost.size:  # nothing of those names may have been built to the end
        needed = tr("{time} and {size}", time=needed, size=shown_bytes(cost.size))
    if not cost.unknown:
        return [tr("Going by earlier builds, this takes about {needed}", needed=needed), ""]
    return [
        tr(
            "Going by earlier builds, this takes at least {needed}; {unknown} of {count} are new here",
            needed=needed,
            unknown=cost.unknown,
            count=cost.builds,
        ),
        "",
    ]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return tr("{number} s", number=max(1, round(seconds)))
    if seconds < 5400:
        return tr("{number} min", number=round(seconds / 60))
    return tr("{number} h", number=f"{seconds / 3600:.1f}")


def build_lines(derivations: Sequence[str], *, dry_run: bool) -> list[str]:
    return _block("built", derivations, dry_run=dry_run)


def graft_lines(derivations: Sequence[str], *, dry_run: bool) -> list[str]:
    return _block("grafted", derivations, dry_run=dry_run)


def download_lines(names: Sequence[str], *, dry_run: bool, each: bool) -> list[str]:
    """The files, or only how many."""
    if each:
        return _block("downloaded", names, dry_run=dry_run)
    if not names:
        return []
    if dry_run:
        return [
            plural("{number} item would be downloaded", "{number} items would be downloaded", len(names)),
            "",
        ]
    return [plural("{number} item will be downloaded", "{number} items will be downloaded", len(names)), ""]


def _label(entry: Entry) -> str:
    return entry.name if entry.output == "out" else f"{entry.name}:{entry.output}"


def _row(entry: Entry) -> str:
    return f"{_label(entry)} {entry.version}{_transformations(entry)}"


def _transformations(entry: Entry) -> str:
    """In which way the package is another than the catalogue's."""
    listed = dict(entry.properties).get("transformations", ())
    return f" (--{', --'.join('='.join(each) for each in listed)})" if listed else ""


def _change(old: Entry, new: Entry) -> str:
    if old.version == new.version:
        changed = tr("(dependencies or package changed)")
        return f"{_label(new)} {new.version} {changed}{_transformations(new)}"
    return f"{_label(new)} {old.version} → {new.version}{_transformations(new)}"
