"""The sources of packages, as `build -S` and `build --sources` want them: after patches and snippets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.options import UsageError
from larix.derivation import Lowered, instantiation_order
from larix.packages.bag import package_of
from larix.packages.origin import Origin
from larix.staging import Item
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.cli.options import CommandLine
    from larix.packages.package import Package
    from larix.staging import Lowering

__all__ = ["KINDS", "sources_of", "wanted_sources"]

KINDS = ("package", "all", "transitive")


def wanted_sources(line: CommandLine) -> str | None:
    """Which sources a command line asks for: those of the packages by themselves, or one of `KINDS`."""
    chosen = [
        "package" if token.name == "source" else token.value or "all"
        for token in line.tokens
        if token.name in ("source", "sources")
    ]
    if not chosen:
        return None
    if chosen[-1] not in KINDS:
        hint = diagnostics.did_you_mean(chosen[-1], KINDS) or tr("there are: {kinds}", kinds=", ".join(KINDS))
        raise UsageError(tr("--sources={chosen}: invalid argument", chosen=chosen[-1]), hint=hint)
    return chosen[-1]


def sources_of(lowering: Lowering, value: object, kind: str) -> Iterator[Item]:
    """The items of a package's sources, each once.

    - `package`: its own source;
    - `all`: also sources among its inputs;
    - `transitive`: also those of all that it needs, and whatever building it would download.
    """
    package = package_of(value)
    if package is None:
        raise UsageError(tr("`{value!r:.80}' is not a package, so it has no source", value=value))
    if package.source is None:
        diagnostics.warning(
            tr("package '{full_name}' has no source", full_name=package.full_name), package.location
        )
    found: dict[str, Item] = {}
    for each in _needed(package) if kind == "transitive" else [package]:
        if each.source is not None:
            _add(found, lowering.lower(each.source))
        if kind != "package":
            for given in each.direct_inputs():
                if isinstance(given.value, Origin):
                    _add(found, lowering.lower(given.value))
    if kind == "transitive":
        made = lowering.lower(package).origin
        if isinstance(made, Lowered):
            for lowered in instantiation_order([made]):
                if lowered.derivation.builder.startswith(b"builtin:download"):
                    _add(found, Item(lowered.output_path(), lowered, "out"))
    yield from found.values()


def _add(found: dict[str, Item], item: Item) -> None:
    found.setdefault(item.path, item)


def _needed(package: Package) -> Iterator[Package]:
    """The package and all that it needs, each once."""
    seen = {id(package)}
    pending = [package]
    while pending:
        current = pending.pop()
        yield current
        for each in current.direct_inputs():
            needed = package_of(each.value)
            if needed is not None and id(needed) not in seen:
                seen.add(id(needed))
                pending.append(needed)
