"""Projects on GitHub: their releases, and where they make none, their tags.

A source's address tells the repository and the tag of its release; how the tag follows from the version is
read from it, unless properties tell.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.builder.builtins.mirrors import shown
from larix.upstream.properties import expression_property, text_property
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for projects on GitHub, by releases and tags"
RANK = 25
IS_CHEAP = False  # whoever has no token may ask sixty times an hour

_ADDRESS = re.compile(
    r"https://github\.com/(?P<repository>[^/]+/[^/]+)/"
    r"(?:archive/(?:refs/tags/)?(?P<tag>[^/]+)\.(?:tar\.gz|zip)|releases/download/(?P<tag_of_file>[^/]+)/[^/]+)"
)
_VERSION = r"(?P<version>[0-9][0-9A-Za-z.+~]*)"
_DELIMITERS = (".", "_", "-")


class _Place(NamedTuple):
    """`pattern` finds the version in a tag, with `delimiter` for full stops."""

    uri: str
    repository: str
    tag: str
    is_file: bool
    pattern: re.Pattern[str]
    delimiter: str


def _place(package: Package, origin: Origin) -> _Place | None:
    for uri in origin.uri:
        match = _ADDRESS.fullmatch(uri)
        if match is None:
            continue
        tag = match["tag"] or match["tag_of_file"]
        found = _pattern(package, tag)
        if found is not None:
            return _Place(uri, match["repository"], tag, match["tag"] is None, *found)
    return None


def _pattern(package: Package, tag: str) -> tuple[re.Pattern[str], str] | None:
    """By the properties, else by the tag of the version that the package has."""
    delimiter = text_property(package, "release_tag_version_delimiter")
    prefix = expression_property(package, "release_tag_prefix")
    suffix = expression_property(package, "release_tag_suffix")
    for each in _DELIMITERS if delimiter is None else (delimiter,):
        before, found, after = tag.partition(package.version.replace(".", each))
        if found:
            prefix = re.escape(before) if prefix is None else prefix
            suffix = re.escape(after) if suffix is None else suffix
            delimiter = each
            break
    if prefix is None or delimiter is None:
        return None
    # `4.9-doc` is something else, unless versions of this package have hyphens.
    others = re.escape(delimiter) + ("-" if "-" in package.version else "")
    version = _VERSION.replace(".", f".{others}")
    return re.compile(f"(?:{prefix}){version}(?:{suffix or ''})"), delimiter


def handles(package: Package, origin: Origin) -> bool:
    return _place(package, origin) is not None


def releases(package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    place = _place(package, origin)
    if place is None:
        return {}
    early = package.properties.get("accept_pre_releases", False)
    found: dict[str, str] = {}
    for tag, files, is_early in _tags(place, web):
        match = place.pattern.fullmatch(tag)
        if match is None or (is_early and not early):
            continue
        version = match["version"].replace(place.delimiter, ".")
        uri = _following(place, package.version, tag, version)
        if not place.is_file or files is None or uri.rpartition("/")[2] in files:
            found.setdefault(version, uri)
    return found


def _following(place: _Place, old: str, tag: str, version: str) -> str:
    """The address of another release: the tag, and in the rest of it the version, are its own."""
    return tag.join(part.replace(old, version) for part in place.uri.split(place.tag))


def _tags(place: _Place, web: Web) -> Iterator[tuple[str, frozenset[str] | None, bool]]:
    """Each tag, the files of its release as far as they are told, and whether it is an early one."""
    made = _ask(place, "releases", web)
    for each in made:
        files = frozenset(str(asset.get("name")) for asset in each.get("assets") or ())
        if not each.get("draft"):
            yield str(each.get("tag_name")), files, bool(each.get("prerelease"))
    if not made:
        for each in _ask(place, "tags", web):
            yield str(each.get("name")), None, False


def _ask(place: _Place, what: str, web: Web) -> list[dict[str, Any]]:
    uri = f"{web.github}/repos/{place.repository}/{what}?per_page=100"
    try:
        answer = web.page(uri, accept="application/vnd.github+json")
    except DownloadFailed as error:
        if "x-access-token" not in uri and re.search(r"HTTP (403|429)", error.brief):
            error.hint = tr(
                "set LARIX_GITHUB_TOKEN to a token of yours: GitHub answers few questions an hour without one"
            )
        raise
    try:
        rows: object = json.loads(answer.data)
    except ValueError as error:
        raise DownloadFailed(uri, {shown(uri): tr("what it answers is no JSON")}) from error
    if not isinstance(rows, list):
        raise DownloadFailed(uri, {shown(uri): tr("what it answers is no list")})
    return [cast("dict[str, Any]", each) for each in cast("list[object]", rows) if isinstance(each, dict)]
