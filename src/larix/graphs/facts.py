"""What is known of the thing behind a node, whatever it is: for lists of components, not for drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.formats.storepath import name_part
from larix.packages.bag import package_of
from larix.packages.origin import Origin
from larix.packages.versions import split_name
from larix.protocol import PathInfo

if TYPE_CHECKING:
    from larix.formats.hashes import Hash
    from larix.packages.licenses import License
    from larix.packages.package import Package

__all__ = ["Facts", "Stored", "facts_of"]


class Stored(NamedTuple):
    """An item of the store, and the package that it was built from."""

    info: PathInfo
    package: Package


class Facts(NamedTuple):
    """`sources` are addresses of the source, and `source_hash` that of its bytes.

    `hash` is that of an item's archive, or where there is no item that of the source.
    """

    name: str
    version: str = ""
    summary: str = ""
    home_page: str | None = None
    licenses: tuple[License, ...] = ()
    sources: tuple[str, ...] = ()
    source_hash: Hash | None = None
    hash: Hash | None = None
    store_path: str | None = None


def facts_of(subject: object, label: str) -> Facts:
    if isinstance(subject, Stored):
        return facts_of(subject.package, label)._replace(
            hash=subject.info.nar_hash, store_path=subject.info.path
        )
    if isinstance(subject, PathInfo):
        name, version = split_name(name_part(subject.path))
        return Facts(name, version, hash=subject.nar_hash, store_path=subject.path)
    package = package_of(subject)
    if package is not None:
        source = package.source
        origin = source if isinstance(source, Origin) else None
        return Facts(
            package.name,
            package.version,
            package.synopsis,
            package.home_page,
            package.license,
            origin.uri if origin is not None else (),
            origin.expected.hash if origin is not None else None,
            origin.expected.hash if origin is not None else None,
        )
    if isinstance(subject, Origin):
        name, version = split_name(subject.name)
        known = subject.expected.hash
        return Facts(name, version, sources=subject.uri, source_hash=known, hash=known)
    name, version = split_name(label.removesuffix(".drv"))
    path: object = getattr(subject, "path", subject)
    return Facts(name, version, store_path=path if isinstance(path, str) else None)
