"""The words of a plan: what will, or in a dry run would, happen to a profile and in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from larix.profiles.manifest import Entry
from larix.profiles.transaction import Effects

__all__ = ["build_lines", "download_lines", "effect_lines", "graft_lines", "item_lines"]


def item_lines(
    what: tuple[str, str], happens: str, rows: Sequence[str], *, dry_run: bool, indent: int
) -> list[str]:
    """A block of the plan: heading, rows, an empty line; nothing for no rows. `what`: singular, plural."""
    if not rows:
        return []
    word = what[0] if len(rows) == 1 else what[1]
    will = "would" if dry_run else "will"
    return [f"The following {word} {will} be {happens}:", *(" " * indent + row for row in rows), ""]


def effect_lines(effects: Effects, *, dry_run: bool) -> list[str]:
    blocks: Iterable[tuple[str, list[str]]] = (
        ("removed", [_row(entry) for entry in effects.removed]),
        ("downgraded", [_change(*pair) for pair in effects.downgraded]),
        ("upgraded", [_change(*pair) for pair in effects.upgraded]),
        ("installed", [_row(entry) for entry in effects.installed]),
    )
    return [
        line
        for happens, rows in blocks
        for line in item_lines(("package", "packages"), happens, rows, dry_run=dry_run, indent=3)
    ]


def build_lines(derivations: Sequence[str], *, dry_run: bool) -> list[str]:
    return item_lines(("derivation", "derivations"), "built", derivations, dry_run=dry_run, indent=2)


def graft_lines(derivations: Sequence[str], *, dry_run: bool) -> list[str]:
    return item_lines(("graft", "grafts"), "made", derivations, dry_run=dry_run, indent=2)


def download_lines(names: Sequence[str], *, dry_run: bool, each: bool) -> list[str]:
    """The files, or only how many."""
    if each:
        return item_lines(("file", "files"), "downloaded", names, dry_run=dry_run, indent=2)
    if not names:
        return []
    what = "1 item" if len(names) == 1 else f"{len(names)} items"
    return [f"{what} {'would' if dry_run else 'will'} be downloaded", ""]


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
        return f"{_label(new)} {new.version} (dependencies or package changed){_transformations(new)}"
    return f"{_label(new)} {old.version} → {new.version}{_transformations(new)}"
