"""Upstream's archives as Debian keeps them, in any of its suites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.upstream.debian_sources import open_indexes
from larix.upstream.listing import releases_beside
from larix.upstream.web import DownloadFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for packages whose source is in Debian's archive"
_REPACKED = r"\+(?:ds|dfsg|repack|really)?[0-9.]*"  # what Debian adds to the version of what it has changed
RANK = 90  # what Debian has may be old, and is asked for when upstream does not answer
IS_CHEAP = False


def _uri(package: Package, origin: Origin) -> str | None:
    """The address of the archive, whose version may be that of the package with a mark of Debian's."""
    archive = re.compile(rf"_{re.escape(package.version)}({_REPACKED})?\.orig")
    return next(
        (
            uri
            for uri in origin.uri
            if uri.startswith("debian://pool/") and archive.search(uri.rpartition("/")[2])
        ),
        None,
    )


def handles(package: Package, origin: Origin) -> bool:
    return _uri(package, origin) is not None


def releases(package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    """From the folder, which has what any suite had; where mirrors show no folders, from their indexes."""
    uri = _uri(package, origin) or ""
    mark = uri.rpartition(f"_{package.version}")[2].partition(".orig")[0]
    try:
        found: Mapping[str, str] = releases_beside(uri, package.version, web)
    except DownloadFailed:
        found = _from_indexes(uri.rpartition("/")[2].partition("_")[0], web)
    # With a plus sign Debian marks what it has changed, or taken back. Where the definition adds such a mark
    # to its version, those marked alike are what it can follow.
    named = {version.removesuffix(mark): at for version, at in found.items() if f"{mark}.orig" in at}
    return {version: at for version, at in named.items() if "+" not in version or "+" in package.version}


def _from_indexes(source: str, web: Web) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for index in open_indexes(web):
        for each in index.find(source):
            archive = each.archive
            match = re.search(r"_([^_]+)\.orig\.tar\.\w+$", archive.name) if archive is not None else None
            if archive is not None and match is not None:
                found[match[1]] = f"debian://{archive.place}"
    return found
