"""Variants built from other sources: files, folders, other versions, patches."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.buildside.failure import show_failure
from larix.buildside.files import mkdir_p
from larix.buildside.pack import pack_tar_xz
from larix.buildside.patching import apply_patch
from larix.buildside.unpack import source_directory, unpack
from larix.packages.origin import Origin
from larix.packages.record import BadRecord
from larix.packages.toolchain import toolchain
from larix.staging.expr import build_expression_to_derivation
from larix.staging.files import StoreFile
from larix.staging.lower import Item, describe
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.errors import Location
    from larix.formats.hashes import Hash
    from larix.packages.package import Package
    from larix.staging.lower import Lowerable, Lowering

__all__ = ["NameVersion", "following_uris", "guess_name_version", "with_origin", "with_patches"]

_ENDING = re.compile(
    r"\.(?:tar(?:\.(?:gz|bz2|xz|zst|lz|lzma|Z))?|tgz|tbz2?|txz|tzst|zip|gz|bz2|xz|zst|lz|whl|crate|gem|git|orig)$"
)
_NAME_VERSION = re.compile(r"(?P<name>.+?)[-_](?P<version>v?[0-9][0-9A-Za-z.+~]*(?:[-_][0-9A-Za-z.+~]+)*)")


class NameVersion(NamedTuple):
    name: str
    version: str | None = None


def guess_name_version(file: str) -> NameVersion:
    """What a file or folder of sources, by its name or URL, is probably called: `hello-2.12.tar.gz`."""
    base = re.sub(r"[?#].*", "", file).rstrip("/").rpartition("/")[2]
    while (shorter := _ENDING.sub("", base)) not in (base, ""):
        base = shorter
    found = _NAME_VERSION.fullmatch(base)
    if found is None:
        return NameVersion(base)
    return NameVersion(found["name"], found["version"].removeprefix("v"))


def following_uris(package: Package, version: str) -> tuple[str, ...] | None:
    """Where the source of another version would be, if the definition's address follows the version."""
    old, new = package.source, package.inherit(location=package.location, version=version).source
    if not isinstance(old, Origin) or not isinstance(new, Origin) or old.uri == new.uri:
        return None
    known = set(old.uri)
    return tuple(uri for uri in new.uri if uri not in known)


def with_origin(package: Package, version: str, uris: Sequence[str], content: Hash) -> Package:
    """A variant of another version, from these addresses; patches and the like stay."""
    made = package.inherit(location=package.location, version=version)
    source = made.source
    if not isinstance(source, Origin):
        raise BadRecord(
            tr("the source of package `{package}` has no address", package=package.name),
            place=package.location,
        )
    changes: dict[str, Any] = {"uri": tuple(uris), "sha256": None, "hash": content, "file_name": None}
    new = source.inherit(location=source.location, **changes)
    return made.inherit(location=package.location, source=new)


def with_patches(package: Package, patches: Sequence[Lowerable]) -> Package:
    """A variant whose source is changed by more patches, after its own."""
    source = package.source
    if source is None:
        raise BadRecord(
            tr("package `{package}` has no source to patch", package=package.name), place=package.location
        )

    def patched(made: Package) -> Lowerable:
        own = _source_of(package, made.version)
        if isinstance(own, Origin):
            return own.inherit(location=own.location, patches=(*own.patches, *patches))
        return PatchedSource(own, patches, package.location)

    return package.inherit(location=package.location, source=patched)


def _source_of(package: Package, version: str) -> Lowerable:
    same = (
        package if package.version == version else package.inherit(location=package.location, version=version)
    )
    return cast("Lowerable", same.source)


class PatchedSource(StoreFile):
    """A source that is no origin, with patches applied."""

    __slots__ = ("location", "patches", "source")

    def __init__(self, source: Lowerable, patches: Sequence[Lowerable], location: Location) -> None:
        self.source = source
        self.patches = tuple(patches)
        self.location = location

    @property
    def name(self) -> str:
        return f"{_ENDING.sub('', _ENDING.sub('', describe(self.source)))}-patched"

    def __repr__(self) -> str:
        return f"<patched {self.source!r}>"

    def __lower__(self, lowering: Lowering) -> Item:
        lowering = lowering.variant(target=None)
        tools = toolchain()
        lowered = build_expression_to_derivation(
            f"{self.name}.tar.xz",
            patch_source,
            lowering=lowering,
            arguments={
                "source": self.source,
                "patches": self.patches,
                "tools": tuple([each.value for each in tools.inputs]),
                "top": self.name,
            },
            python=tools.python,
        )
        return Item(lowered.output_path(), lowered, "out")


def patch_source(
    *, output: Path, source: Path, patches: tuple[Path, ...], tools: tuple[Path, ...], top: str
) -> None:
    sys.excepthook = show_failure
    os.environ.update({"SOURCE_DATE_EPOCH": "1", "LC_ALL": "C", "TZ": "UTC0"})
    os.environ["PATH"] = ":".join([f"{root}/bin" for root in tools])
    unpack(source, mkdir_p("source"))
    os.chdir(source_directory("source"))
    for patch in patches:
        apply_patch(patch, "-p1")
    pack_tar_xz(".", output, top=top)
