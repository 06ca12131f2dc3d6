"""Finding out what upstream has released, by updaters, of which there is one for each kind of place.

An updater is a module of `updaters/`, and offers

    DESCRIPTION                          a line for `larix refresh --list-updaters`
    RANK                                 of several that know a package, the lowest is asked first
    IS_CHEAP                             whether one small page answers, so that it may be asked in passing
    handles(package, origin) -> bool     by the definition alone
    releases(package, origin, web)       version to address; raises DownloadFailed
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.errors import LarixError
from larix.packages.origin import Origin
from larix.packages.versions import version_key, version_matches
from larix.upstream import updaters
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["NoRelease", "Release", "Update", "Updater", "all_updaters", "newest_release", "updaters_of"]

PAGES = "generic-html"  # it looks at the page that a package names
_EARLY = re.compile(
    r"(?:^|[^A-Za-z])(?:(?:dev|alpha|beta|pre|rc|snapshot|test)[.-]?\d*|[ab]\d+)(?![A-Za-z])|~", re.IGNORECASE
)


class NoRelease(LarixError):
    """Upstream has no release of the version that was asked for, or none at all."""


class Release(NamedTuple):
    version: str
    uri: str


class Update(NamedTuple):
    """What `updater` found for a package."""

    updater: str
    release: Release
    is_newer: bool


class Updater(NamedTuple):
    name: str
    description: str
    rank: int
    is_cheap: bool
    handles: Callable[[Package, Origin], bool]
    releases: Callable[[Package, Origin, Web], Mapping[str, str]]


@cache
def all_updaters() -> tuple[Updater, ...]:
    """Every updater, those to be asked first at the front; `generic_html.py` is called `generic-html`."""
    found: list[Updater] = []
    for file in os.listdir(updaters.__path__[0]):
        name = file.removesuffix(".py")
        if name == file or name.startswith("_"):
            continue
        module: Any = import_module(f"{updaters.__name__}.{name}")
        found.append(
            Updater(
                name.replace("_", "-"),
                module.DESCRIPTION,
                module.RANK,
                module.IS_CHEAP,
                module.handles,
                module.releases,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.rank, each.name)))


def updaters_of(package: Package, among: Iterable[Updater] | None = None) -> list[Updater]:
    """The updaters that know where the package comes from."""
    source = package.source
    if not isinstance(source, Origin):
        return []
    asked = [each for each in (all_updaters() if among is None else among) if each.handles(package, source)]
    if "release_monitoring_url" in package.properties:
        return [each for each in asked if each.name == PAGES]
    return asked


def newest_release(
    package: Package,
    web: Web,
    *,
    among: Sequence[Updater] | None = None,
    prefix: str | None = None,
    version: str | None = None,
) -> Update | None:
    """The newest release, of versions that begin with `prefix`, or the one of `version`.

    Updaters are asked in turn until one answers. None when no updater knows the package. Raises NoRelease,
    and DownloadFailed when nobody answers.
    """
    source = package.source
    if not isinstance(source, Origin):
        return None
    failure: DownloadFailed | None = None
    for updater in updaters_of(package, among):
        try:
            known = dict(updater.releases(package, source, web))
        except DownloadFailed as error:
            failure = error if failure is None else _both(failure, error)
            continue
        return _chosen(package, updater, known, prefix, version)
    if failure is not None:
        raise failure
    return None


def _both(first: DownloadFailed, second: DownloadFailed) -> DownloadFailed:
    return DownloadFailed(first.uri, first.causes | second.causes)


def _chosen(
    package: Package, updater: Updater, known: Mapping[str, str], prefix: str | None, version: str | None
) -> Update:
    if version is not None:
        if version not in known:
            raise NoRelease(
                tr(
                    "`{updater}' finds no release {version} of {package}",
                    updater=updater.name,
                    version=version,
                    package=package.name,
                ),
                place=package.location,
                hint=_some(known),
            )
        best = version
    else:
        fitting = [each for each in known if version_matches(each, prefix) and _is_stable(each, package)]
        if not fitting:
            what = f" {prefix}" if prefix else ""
            raise NoRelease(
                tr(
                    "`{updater}' finds no release{what} of {package}",
                    updater=updater.name,
                    what=what,
                    package=package.name,
                ),
                place=package.location,
                hint=_some(known),
            )
        best = max(fitting, key=version_key)
    is_newer = version_key(best) > version_key(package.version)
    return Update(updater.name, Release(best, known[best]), is_newer)


def _some(known: Iterable[str]) -> str | None:
    newest = sorted(known, key=version_key, reverse=True)[:5]
    return tr("there is {newest}", newest=", ".join(newest)) if newest else None


def _is_stable(version: str, package: Package) -> bool:
    """Whether a version is no early one; a package on an early one, or with the property, takes all."""
    if package.properties.get("accept_pre_releases", False) or _EARLY.search(package.version):
        return True
    return _EARLY.search(version) is None
