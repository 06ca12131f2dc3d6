"""Upstream's archives as Debian keeps them, in any of its suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.upstream.listing import releases_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for packages whose source is in Debian's archive"
RANK = 90  # what Debian has may be old, and is asked for when upstream does not answer
IS_CHEAP = False


def _uri(package: Package, origin: Origin) -> str | None:
    return next(
        (
            uri
            for uri in origin.uri
            if uri.startswith("debian://pool/") and f"_{package.version}.orig" in uri.rpartition("/")[2]
        ),
        None,
    )


def handles(package: Package, origin: Origin) -> bool:
    return _uri(package, origin) is not None


def releases(package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    return releases_beside(_uri(package, origin) or "", package.version, web)
