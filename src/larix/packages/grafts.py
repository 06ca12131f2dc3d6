"""Grafts, the host half: which items have to be rewritten so that replacements come into effect.

A package may have a replacement, a fixed version of itself, say. What was built with the package is then not
built again: what refers to it, at any distance, is copied, and the copies refer to the replacement. Only what
results refer to counts, not what they were built with; so grafts are known when the originals are built.

A graft exchanges the digits of hashes and nothing else, so a grafted item has the name of its original. A
replacement with another name is referred to by way of a link that has the right one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from larix.buildside.graft import graft
from larix.derivation import Lowered, instantiation_order
from larix.errors import LarixError
from larix.formats.storepath import name_part
from larix.packages.inputs import Output
from larix.packages.package import Package, replaced_packages
from larix.packages.platform import platform
from larix.staging.expr import build_expression_to_derivation
from larix.staging.files import StoreFile
from larix.staging.lower import Item
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from larix.formats.storepath import StorePath
    from larix.staging.lower import Lowering

__all__ = ["GRAFT_VARIABLE", "GraftError", "Replacement", "graft_items", "made_by", "replacements"]

GRAFT_VARIABLE = "graft"  # in the environment of derivations that are grafts
_ORIGINAL = "original"
_ENVIRONMENT = {GRAFT_VARIABLE: "1", "preferLocalBuild": "1"}


class GraftError(LarixError):
    """A replacement that cannot take the place of its package."""


class Replacement(NamedTuple):
    """An output of a package that has a replacement."""

    package: Package
    output: str

    def lower(self, lowering: Lowering) -> Item:
        """The same output of the replacement."""
        new = self.package.replacement
        if new is None or self.output not in new.outputs:
            shown = (
                tr(
                    "`{new}`, the replacement of `{package}`,",
                    new=new.full_name,
                    package=self.package.full_name,
                )
                if new
                else tr("nothing")
            )
            raise GraftError(
                tr("{shown} lacks output `{output}`, which is referred to", shown=shown, output=self.output),
                place=self.package.location,
            )
        return lowering.lower(Output(new, self.output))


def replacements(lowering: Lowering) -> dict[str, Replacement]:
    """All outputs, by store path, that replacements exist for, of the packages that were lowered so far."""
    found: dict[str, Replacement] = {}
    with platform(lowering.system, lowering.target):
        for package in list(replaced_packages(lowering)):
            if package.replacement is None:
                continue
            origin = lowering.lower(package).origin
            if isinstance(origin, Lowered):
                for name, path in origin.outputs.items():
                    found.setdefault(path, Replacement(package, name))
    return found


def made_by(items: Iterable[Item]) -> dict[str, Item]:
    """By store path, how everything that `items` are made from comes to be, and they themselves."""
    listed = list(items)
    found = {item.path: item for item in listed}
    for lowered in instantiation_order([each.origin for each in listed if isinstance(each.origin, Lowered)]):
        for name, path in lowered.outputs.items():
            found[path] = Item(path, lowered, name)
        for source in lowered.sources:
            found.setdefault(source.path, Item(source.path, source))
    return found


def graft_items(
    roots: Iterable[str],
    *,
    references: Mapping[str, Collection[StorePath]],
    replaced: Mapping[str, Item],
    origins: Mapping[str, Item],
    lowering: Lowering,
) -> dict[str, Item]:
    """What takes the place of each of `roots`; those that stay as they are are left out.

    `references` has all that the roots and the items in `replaced` refer to, at any distance; `origins` tells
    how all of these come to be. A replacement is itself grafted, but never with itself: it may refer to what
    it replaces.
    """
    grafter = _Grafter(references, replaced, origins, lowering)
    found = {path: grafter.new(path, frozenset()) for path in roots}
    return {path: item for path, item in found.items() if item is not None}


class _Known(StoreFile):
    """Something that is lowered already."""

    __slots__ = ("item",)

    def __init__(self, item: Item) -> None:
        self.item = item

    def __lower__(self, lowering: Lowering) -> Item:
        return self.item


class _Grafter:
    """One computation; what was found for an item holds wherever it is met with the same `used`.

    `used` are the items on whose replacements the computation is at work, as far as they matter.
    """

    def __init__(
        self,
        references: Mapping[str, Collection[StorePath]],
        replaced: Mapping[str, Item],
        origins: Mapping[str, Item],
        lowering: Lowering,
    ) -> None:
        self._references = references
        self._replaced = replaced
        self._origins = origins
        self._lowering = lowering.variant(target=None)  # grafts run on this machine, whatever they are for
        self._found: dict[tuple[str, frozenset[str]], Item | None] = {}
        self._links: dict[tuple[str, str], Item] = {}

    def new(self, root: str, used: frozenset[str]) -> Item | None:
        for path in self._in_order(root):
            if (path, used) not in self._found:
                self._found[path, used] = self._one(path, used)
        return self._found[root, used]

    def _one(self, path: str, used: frozenset[str]) -> Item | None:
        """What replaces an item, when it is known of all that it refers to."""
        if path in self._replaced and path not in used:
            other = self._replaced[path]
            below = self._reachable(other.path)
            return self.new(other.path, frozenset(each for each in (*used, path) if each in below)) or other
        changed: dict[str, Item] = {}
        for reference in self._references[path]:
            item = self._found[reference, used] if reference != path else None
            if item is not None:
                changed[reference] = item
        return self._graft(path, changed) if changed else None

    def _in_order(self, root: str) -> Iterator[str]:
        """The item and all that it refers to, at any distance, each after what it refers to."""
        seen: set[str] = set()
        todo = [(root, False)]
        while todo:
            path, is_ready = todo.pop()
            if is_ready:
                yield path
            elif path not in seen:
                seen.add(path)
                todo.append((path, True))
                todo += [(each, False) for each in sorted(self._references[path], reverse=True)]

    def _reachable(self, root: str) -> set[str]:
        """All that a computation for `root` may come across: what is referred to, and its replacements."""
        seen: set[str] = set()
        todo = [root]
        while todo:
            path = todo.pop()
            if path not in seen:
                seen.add(path)
                todo += self._references[path]
                if path in self._replaced:
                    todo.append(self._replaced[path].path)
        return seen

    def _graft(self, path: str, changed: Mapping[str, Item]) -> Item:
        kept = [each for each in self._references[path] if each not in changed and each != path]
        inputs = {_base(old): _Known(self._same_name(old, new)) for old, new in changed.items()}
        lowered = build_expression_to_derivation(
            _name(path),
            copy_rewritten,
            lowering=self._lowering,
            inputs={_ORIGINAL: _Known(self._origins[path]), **inputs},
            arguments={"kept": tuple(sorted(_base(each) for each in kept))},
            env={**_ENVIRONMENT, "disallowedReferences": " ".join(sorted([path, *changed]))},
        )
        return Item(lowered.output_path(), lowered, "out")

    def _same_name(self, old: str, new: Item) -> Item:
        name = _name(old)
        if _name(new.path) == name:
            return new
        key = (name, new.path)
        if key not in self._links:
            lowered = build_expression_to_derivation(
                name,
                link_to_replacement,
                lowering=self._lowering,
                inputs={_ORIGINAL: _Known(new)},
                env=_ENVIRONMENT,
            )
            self._links[key] = Item(lowered.output_path(), lowered, "out")
        return self._links[key]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _name(path: str) -> str:
    return name_part(cast("StorePath", path))


def copy_rewritten(*, output: Path, inputs: dict[str, Path], kept: tuple[str, ...]) -> None:
    """In the build: copy the original; other inputs have the base names of what they replace as labels."""
    original = inputs["original"]
    pairs = [(label, new.name) for label, new in inputs.items() if label != "original"]
    graft(original, output, [*pairs, (original.name, output.name)], kept)
    print(f"exchanged {len(pairs)} references of {original}", flush=True)


def link_to_replacement(*, output: Path, inputs: dict[str, Path]) -> None:
    os.symlink(inputs["original"], output)
