"""Any other server that lists the folder of a release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.upstream.listing import releases_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for packages of servers that list their folders, by HTTP or FTP"
RANK = 30
IS_CHEAP = True

_LISTS_NOTHING = re.compile(r"https?://(?:[^/]+\.)?(?:github\.com|gitlab\.[^/]+|bitbucket\.org)/")


def _uri(package: Package, origin: Origin) -> str | None:
    for uri in origin.uri:
        file = uri.rpartition("/")[2]
        if uri.startswith(("http://", "https://", "ftp://")) and package.version in file:
            return None if _LISTS_NOTHING.match(uri) else uri
    return None


def handles(package: Package, origin: Origin) -> bool:
    return _uri(package, origin) is not None


def releases(package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    return releases_beside(_uri(package, origin) or "", package.version, web)
