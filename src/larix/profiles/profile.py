"""Profiles as derivations: the manifest's entries become one tree of links, in a build like any other.

The empty profile is a plain source instead, so that rolling back to generation 0 needs no build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside.profile_tree import HEADER, make_profile
from larix.derivation import Lowered, PresentSource, Source, tree_source
from larix.formats.nar import Directory, File
from larix.formats.storepath import StoreDir, StorePath, parse_store_path
from larix.packages.search_paths import SearchPath
from larix.profiles.manifest import EMPTY, Entry, Manifest, print_manifest
from larix.staging import Item, Lowering, build_expression_to_derivation

__all__ = ["empty_profile", "profile_derivation"]

NAME = "profile"


class _Held:
    """An entry's store item, for staging: what makes it if that is known, else the item as it is."""

    def __init__(self, item: Item) -> None:
        self._item = item

    def __lower__(self, lowering: Lowering) -> Item:
        return self._item


def build_profile(
    output: Path, inputs: Mapping[str, Path], manifest: str, search_paths: Sequence[SearchPath]
) -> None:
    """Runs in the build; the inputs' labels are numbers in the order of the entries."""
    make_profile(
        output,
        entries=[str(path) for _, path in sorted(inputs.items())],
        manifest=manifest,
        search_paths=search_paths,
    )


def profile_derivation(manifest: Manifest, items: Mapping[str, Item], *, lowering: Lowering) -> Lowered:
    """The derivation of the profile that holds `manifest`; the same manifest and items give the same one.

    `items` tells, by store path, how entries come to be; what it does not know must be valid already.
    """
    entries = manifest.transitive()
    held = {
        f"{number:06}": _Held(items.get(entry.path) or _present(lowering.store_dir, entry))
        for number, entry in enumerate(entries)
    }
    search_paths = [tuple(path) for path in manifest.search_paths()]
    return build_expression_to_derivation(
        NAME,
        build_profile,
        lowering=lowering,
        inputs=held,
        arguments={"manifest": print_manifest(manifest).decode("ascii"), "search_paths": search_paths},
        env={"preferLocalBuild": "1"},
    )


def _present(store_dir: StoreDir, entry: Entry) -> Item:
    path: StorePath = parse_store_path(store_dir, entry.path)
    return Item(path, PresentSource(path))


def empty_profile(store_dir: StoreDir) -> Source:
    tree = Directory(
        {
            b"etc": Directory({b"profile": File(HEADER.encode())}),
            b"manifest": File(print_manifest(EMPTY)),
        }
    )
    return tree_source(store_dir, NAME, tree)
