"""Profiles as derivations: the manifest's entries become one tree of links, made by `builtin:profile`.

The derivation names the code that makes the tree by its hash, so that another larix, which would make another
tree, gives it another name. The empty profile is a plain source instead: rolling back to generation 0 makes
nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from larix import buildside
from larix.buildside.profile_settings import HEADER
from larix.derivation import Lowered, Source, derivation, tree_source
from larix.formats.nar import Directory, File
from larix.formats.storepath import StoreDir, StorePath, parse_store_path
from larix.profiles.manifest import EMPTY, Manifest, print_manifest

if TYPE_CHECKING:
    from larix.staging import Item

__all__ = ["empty_profile", "profile_derivation"]

NAME = "profile"
# Modules of the build side that decide how a profile looks. Only a builtin loads them.
_CODE = (
    "environment",
    "gdbm_file",
    "profile_applications",
    "profile_certificates",
    "profile_collisions",
    "profile_font_names",
    "profile_fonts",
    "profile_hooks",
    "profile_icons",
    "profile_info",
    "profile_manual",
    "profile_mime",
    "profile_mime_cache",
    "profile_mime_types",
    "profile_settings",
    "profile_tree",
    "several",
    "shell_settings",
    "union",
)


def profile_derivation(
    manifest: Manifest, items: Mapping[str, Item], *, store_dir: StoreDir, system: str
) -> Lowered:
    """The derivation of the profile that holds `manifest`; the same manifest and items give the same one.

    `items` tells, by store path, how entries come to be; what it does not know must be valid already.
    """
    entries = [parse_store_path(store_dir, entry.path) for entry in manifest.transitive()]
    inputs: list[tuple[Lowered, tuple[str, ...]]] = []
    sources: list[Source | StorePath] = []
    for path in entries:
        item = items.get(path)
        if item is None:
            sources.append(path)
        elif isinstance(item.origin, Lowered):
            inputs.append((item.origin, (item.output or "out",)))
        else:
            sources.append(item.origin)
    return derivation(
        NAME,
        store_dir=store_dir,
        system=system,
        builder="builtin:profile",
        env={
            "code": _code_digest(),
            "entries": " ".join(entries),
            "manifest": print_manifest(manifest).decode("ascii"),
            "preferLocalBuild": "1",
            "searchPaths": json.dumps([tuple(path) for path in manifest.search_paths()]),
        },
        inputs=inputs,
        sources=sources,
    )


@cache
def _code_digest() -> str:
    """The hash of the modules that decide how a profile looks."""
    hasher = hashlib.sha256()
    for name in _CODE:
        with open(f"{buildside.__path__[0]}/{name}.py", "rb") as file:
            hasher.update(file.read())
    return hasher.hexdigest()


def empty_profile(store_dir: StoreDir) -> Source:
    tree = Directory(
        {
            b"etc": Directory({b"profile": File(HEADER.encode())}),
            b"manifest": File(print_manifest(EMPTY)),
        }
    )
    return tree_source(store_dir, NAME, tree)
