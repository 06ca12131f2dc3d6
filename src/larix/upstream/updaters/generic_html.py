"""Any other server that lists the folder of a release, and pages that packages name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from larix.upstream.listing import ENDINGS, links_in_page, releases_beside
from larix.upstream.properties import expression_property, text_property

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for packages of servers that list their folders, and for pages that packages name"
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
    return text_property(package, "release_monitoring_url") is not None or _uri(package, origin) is not None


def releases(package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    page = text_property(package, "release_monitoring_url")
    if page is not None:
        return _linked(package, page, web)
    return releases_beside(_uri(package, origin) or "", package.version, web)


def _linked(package: Package, page: str, web: Web) -> Mapping[str, str]:
    """The archives that a page links to, by the names of their files; the first link to a version counts."""
    name = text_property(package, "upstream_name") or package.name
    given = expression_property(package, "release_file_regexp")
    pattern = re.compile(given or f"{re.escape(name)}[-_]?v?([0-9][0-9A-Za-z.+~]*?)(?:[.-]src)?{ENDINGS}")
    answer = web.page(page, accept="text/html")
    found: dict[str, str] = {}
    for link in links_in_page(answer.url, answer.data.decode("utf-8", "replace")):
        match = pattern.fullmatch(unquote(link.rpartition("/")[2]))
        if match is not None:
            found.setdefault(match[1] if pattern.groups else match[0], link)
    return found
