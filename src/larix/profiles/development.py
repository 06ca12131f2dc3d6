"""What is at hand for working on a package: the inputs of its build, as entries of a profile.

Of the toolchain the profile gets the programs alone, as links in an item of their own. Its headers and
libraries are known to its compilers; among those of the inputs they would be found a second time, by the
variables that compilers read, and in C++ the order of the two matters.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from larix.packages.inputs import Output
from larix.packages.native import Native
from larix.packages.package import Package, package_bag
from larix.packages.search_paths import BUILD_SEARCH_PATHS
from larix.packages.toolchain import Toolchain, cross_tools, toolchain
from larix.profiles.entries import EntryMaker
from larix.profiles.manifest import Entry
from larix.staging import Item, build_expression_to_derivation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.packages.inputs import Input
    from larix.staging import Lowerable, Lowering

__all__ = ["PROGRAMS", "development_entries"]

PROGRAMS = "toolchain-programs"


def link_programs(*, output: Path, roots: tuple[Path, ...]) -> None:
    """Make `bin` hold a link to each program of the roots; of two of one name, to the first."""
    folder = output / "bin"
    folder.mkdir(parents=True)
    for root in roots:
        for name in sorted(os.listdir(root / "bin")):
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(root / "bin" / name)


def development_entries(package: Package, maker: EntryMaker, lowering: Lowering) -> list[Entry]:
    """The inputs that the package names and that its build system implies, and the toolchain."""
    bag = package_bag(package, lowering)
    tools = toolchain(bag.arguments.get("toolchain"))
    compilers = [each.value for each in (*tools.inputs, *_cross_inputs(tools, bag.target))]
    native = maker if bag.target is None else EntryMaker(lowering.variant(target=None))
    entries: dict[tuple[str, str], Entry] = {}
    used: list[Lowerable] = []
    for each in (*bag.build_inputs, *bag.host_inputs, *bag.target_inputs):
        value = each.value.value if isinstance(each.value, Native) else each.value
        if any(value is other for other in compilers):
            used.append(cast("Lowerable", value))
        elif isinstance(value, Package | Output):
            output = value if isinstance(value, Output) else value.output(value.main_output)
            entry = (native if isinstance(each.value, Native) else maker).entry(output.package, output.name)
            entries.setdefault(entry.key, entry)
    maker.items.update(native.items)
    if used:
        entry = _programs(used, maker, lowering)
        entries[entry.key] = entry
    return list(entries.values())


def _cross_inputs(tools: Toolchain, target: str | None) -> tuple[Input, ...]:
    return cross_tools(tools, target).inputs if target is not None else ()


def _programs(roots: Sequence[Lowerable], maker: EntryMaker, lowering: Lowering) -> Entry:
    lowered = build_expression_to_derivation(
        PROGRAMS,
        link_programs,
        lowering=lowering.variant(target=None),
        arguments={"roots": tuple(roots)},
    )
    item = Item(lowered.output_path(), lowered, "out")
    maker.items[item.path] = item
    return Entry(PROGRAMS, "0", "out", item.path, search_paths=BUILD_SEARCH_PATHS)
