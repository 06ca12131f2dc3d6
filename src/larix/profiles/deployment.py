"""The sealed record of a deployment: all that makes a profile again elsewhere, and what it must come out as.

    {"format": "larix deployment", "version": 1,
     "larix": VERSION, "system": SYSTEM, "store": DIRECTORY,
     "profile": STORE PATH, "manifest": the profile's manifest,
     "packages": [{"specification", "output", "path"}, ...],
     "catalogues": [{"channel", "hash", and as Git has it "url", "branch", "commit", "path", "dirty"}, ...],
     "items": [{"path", "narHash", "narSize", "references"}, ...]}

`items` is the closure of the profile, each item with the hash of its archive: two profiles whose items have
these hashes are the same to the bit. `packages` says for people what the manifest says in full. Hashes of
`catalogues` are of their content, without what Python and Git leave there.

Equal deployments give equal bytes. The reader is strict; what is written by a later version it refuses.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import larix
from larix.errors import LarixError, Location
from larix.formats.errors import FormatError
from larix.formats.hashes import Hash, parse_hash
from larix.formats.storepath import StoreDir, StorePath, parse_store_path
from larix.profiles.manifest import PROVENANCE, Manifest, parse_manifest, print_manifest
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from larix.profiles.manifest import Entry
    from larix.protocol import PathInfo

__all__ = [
    "BadDeployment",
    "Deployment",
    "Difference",
    "SealedItem",
    "compare_items",
    "parse_deployment",
    "print_deployment",
    "recorded_catalogues",
    "seal_profile",
]

FORMAT = "larix deployment"
VERSION = 1


class BadDeployment(LarixError):
    """The text is no record of a deployment that this larix knows."""


class SealedItem(NamedTuple):
    """What an item of the store must be."""

    nar_hash: Hash
    nar_size: int
    references: tuple[StorePath, ...] = ()


class Deployment(NamedTuple):
    larix: str
    system: str
    store_dir: StoreDir
    profile: StorePath
    manifest: Manifest
    items: Mapping[StorePath, SealedItem]

    @property
    def catalogues(self) -> list[dict[str, Any]]:
        return recorded_catalogues(self.manifest)


class Difference(NamedTuple):
    """An item that is other than it must be; `found` is None where there is none."""

    path: StorePath
    expected: Hash
    found: Hash | None


def recorded_catalogues(manifest: Manifest) -> list[dict[str, Any]]:
    """Where the packages of a manifest were defined, each folder in each state once."""
    records = [record for entry in manifest.entries for record in dict(entry.properties).get(PROVENANCE, [])]
    return list({json.dumps(record, sort_keys=True): record for record in records}.values())


def seal_profile(
    profile: StorePath, manifest: Manifest, closure: Iterable[PathInfo], *, store_dir: StoreDir, system: str
) -> Deployment:
    """`closure` is what the store knows of the profile and all it refers to."""
    items = {info.path: SealedItem(info.nar_hash, info.nar_size, info.references) for info in closure}
    return Deployment(larix.__version__, system, store_dir, profile, manifest, items)


def compare_items(
    deployment: Deployment, found: Mapping[StorePath, PathInfo]
) -> tuple[list[Difference], list[StorePath]]:
    """The items that differ or are missing among those found, and those found that are no part of it."""
    differing = [
        Difference(path, item.nar_hash, found[path].nar_hash if path in found else None)
        for path, item in sorted(deployment.items.items())
        if path not in found or found[path].nar_hash != item.nar_hash
    ]
    return differing, sorted(path for path in found if path not in deployment.items)


def print_deployment(deployment: Deployment) -> str:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "larix": deployment.larix,
        "system": deployment.system,
        "store": deployment.store_dir,
        "profile": deployment.profile,
        "packages": [_package_data(entry) for entry in deployment.manifest.entries],
        "catalogues": deployment.catalogues,
        "manifest": json.loads(print_manifest(deployment.manifest)),
        "items": [
            {
                "path": path,
                "narHash": str(item.nar_hash),
                "narSize": item.nar_size,
                "references": list(item.references),
            }
            for path, item in sorted(deployment.items.items())
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _package_data(entry: Entry) -> dict[str, Any]:
    data: dict[str, Any] = {
        "specification": f"{entry.name}@{entry.version}",
        "output": entry.output,
        "path": entry.path,
    }
    return data | dict(entry.properties_without_provenance)


def parse_deployment(text: bytes, file: str) -> Deployment:
    """Read what `print_deployment` wrote; `BadDeployment` names `file` and what is wrong."""
    place = Location(file, 1)
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = Location(file, getattr(error, "lineno", 1))
        raise BadDeployment(tr("not a deployment: {error}", error=error), place=line) from error
    if not _is_object(document) or document.get("format") != FORMAT:
        raise BadDeployment(
            tr("not a deployment: it does not say so"), place=place, hint=tr("`larix seal` writes them")
        )
    if document.get("version") != VERSION:
        found = repr(document.get("version"))
        raise BadDeployment(
            tr("a deployment of version {found}, where this larix knows {known}", found=found, known=VERSION),
            place=place,
        )
    try:
        return _deployment(document, file)
    except FormatError as error:
        raise BadDeployment(tr("bad deployment: {error}", error=error.message), place=place) from error
    except (KeyError, TypeError, ValueError) as error:
        text_of = tr("lacks {field}", field=error) if isinstance(error, KeyError) else str(error)
        raise BadDeployment(tr("bad deployment: {error}", error=text_of), place=place) from error


def _deployment(document: Mapping[str, Any], file: str) -> Deployment:
    store_dir = StoreDir(_text(document["store"]))
    items: dict[StorePath, SealedItem] = {}
    for item in document["items"]:
        path = parse_store_path(store_dir, _text(item["path"]))
        references = tuple(parse_store_path(store_dir, _text(each)) for each in item["references"])
        items[path] = SealedItem(parse_hash(_text(item["narHash"])), int(item["narSize"]), references)
    manifest = parse_manifest(json.dumps(document["manifest"]).encode(), file)
    profile = parse_store_path(store_dir, _text(document["profile"]))
    for path in (profile, *(parse_store_path(store_dir, entry.path) for entry in manifest.transitive())):
        if path not in items:
            raise ValueError(tr("`{path}' is not among its items", path=path))
    return Deployment(
        _text(document["larix"]), _text(document["system"]), store_dir, profile, manifest, items
    )


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(tr("{value} is no text", value=repr(value)))
    return value
