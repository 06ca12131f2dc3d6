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

__all__ = ["Facts", "facts_of"]


class Facts(NamedTuple):
    """`hash` is that of a source's bytes, or of an item's archive; `sources` are addresses of the source."""

    name: str
    version: str = ""
    summary: str = ""
    home_page: str | None = None
    licenses: tuple[License, ...] = ()
    sources: tuple[str, ...] = ()
    hash: Hash | None = None
    store_path: str | None = None


def facts_of(subject: object, label: str) -> Facts:
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
        )
    if isinstance(subject, Origin):
        name, version = split_name(subject.name)
        return Facts(name, version, sources=subject.uri, hash=subject.expected.hash)
    name, version = split_name(label.removesuffix(".drv"))
    path: object = getattr(subject, "path", subject)
    return Facts(name, version, store_path=path if isinstance(path, str) else None)
