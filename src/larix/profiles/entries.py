"""Manifest entries of packages: lowered, so that their store paths are known before anything is built."""

from __future__ import annotations

import json
from typing import Any

from larix.packages.inputs import Input, Output
from larix.packages.kinds import thawed
from larix.packages.package import Package
from larix.profiles.manifest import Entry
from larix.staging import Item, Lowering

__all__ = ["EntryMaker"]


_KEPT = ("transformations", "trusted-sources")


def _kept_properties(package: Package) -> tuple[tuple[str, Any], ...]:
    """How the package came to differ from the catalogue's, as JSON has it."""
    return tuple(
        (name, json.loads(json.dumps(thawed(package.properties[name]))))
        for name in _KEPT
        if name in package.properties
    )


class EntryMaker:
    """Makes entries for one change; `items` tells, by store path, how each that it made comes to be."""

    def __init__(self, lowering: Lowering) -> None:
        self._lowering = lowering
        self._made: dict[tuple[int, str], Entry] = {}
        self._kept: list[Package] = []
        self.items: dict[str, Item] = {}

    def entry(self, package: Package, output: str) -> Entry:
        """The entry of one output, with what the package propagates; the same object whenever asked."""
        key = (id(package), output)
        if key not in self._made:
            self._kept.append(package)
            item = self._lowering.lower(Output(package, output))
            self.items[item.path] = item
            self._made[key] = Entry(
                name=package.name,
                version=package.version,
                output=output,
                path=item.path,
                propagated_inputs=tuple(self._propagated(each) for each in package.propagated_inputs),
                search_paths=tuple(dict.fromkeys((*package.native_search_paths, *package.search_paths))),
                properties=_kept_properties(package),
            )
        return self._made[key]

    def _propagated(self, each: Input) -> Entry:
        if isinstance(each.value, Output):
            return self.entry(each.value.package, each.value.name)
        if isinstance(each.value, Package):
            return self.entry(each.value, each.value.main_output)
        item = self._lowering.lower(each.value)
        self.items[item.origin.path if item.output is None else item.path] = item
        return Entry(name=each.label, version="0", output=item.output or "out", path=item.path)
