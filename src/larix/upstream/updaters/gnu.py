"""The archives of GNU and of projects that publish the same way, which can be listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.upstream.listing import releases_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for packages of the archives that `mirror://' stands for, such as GNU's"
RANK = 20
IS_CHEAP = True


def _uri(origin: Origin) -> str | None:
    return next((uri for uri in origin.uri if uri.startswith("mirror://")), None)


def handles(package: Package, origin: Origin) -> bool:
    uri = _uri(origin)
    return uri is not None and package.version in uri.rpartition("/")[2]


def releases(package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    return releases_beside(_uri(origin) or "", package.version, web)
