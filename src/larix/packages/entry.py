"""Entries: what listings and searches know of a package without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.errors import LarixError, Location
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.package import Package

__all__ = ["Entry", "describe"]


class Entry(NamedTuple):
    """`dependencies` are NAME@VERSION, sorted, as is `superseded_by`.

    The value of `variable` in `module` is the package; `folder` is the number of the catalogue's folder.
    """

    name: str
    version: str
    outputs: tuple[str, ...]
    synopsis: str
    description: str
    home_page: str | None
    licenses: tuple[str, ...]
    systems: tuple[str, ...]
    dependencies: tuple[str, ...]
    location: Location
    is_hidden: bool
    folder: int
    module: str
    variable: str
    superseded_by: str | None = None
    upstream_name: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.version}"


def describe(package: Package, folder: int, module: str, variable: str) -> tuple[Entry, list[LarixError]]:
    """The entry of a package, and what is wrong with fields that it can do without.

    Every field is looked at, so that mistakes in late ones are told when the catalogue is read.
    """
    from larix.packages.bag import package_of
    from larix.packages.origin import Origin

    mistakes: list[LarixError] = []
    dependencies: set[str] = set()
    try:
        inputs = [package_of(each.value) for each in package.direct_inputs()]
        dependencies.update(each.full_name for each in inputs if each is not None)
    except LarixError as error:
        mistakes.append(error)
    try:
        source = package.source
        if isinstance(source, Origin):
            source.check_patches()
        package.check_arguments()
    except LarixError as error:
        mistakes.append(error)
    superseding = package.superseded_by
    if superseding is package:
        from larix.packages.record import BadRecord

        message = tr("package `{name}` is superseded by itself", name=package.name)
        mistakes.append(BadRecord(message, place=package.location))
    upstream: object = package.properties.get("upstream_name")
    entry = Entry(
        name=package.name,
        version=package.version,
        outputs=package.outputs,
        synopsis=package.synopsis,
        description=package.description,
        home_page=package.home_page,
        licenses=tuple([each.name for each in package.license]),
        systems=package.supported_systems,
        dependencies=tuple(sorted(dependencies)),
        location=package.location,
        is_hidden=package.hidden,
        folder=folder,
        module=module,
        variable=variable,
        superseded_by=superseding.full_name if superseding is not None else None,
        upstream_name=upstream if isinstance(upstream, str) else None,
    )
    return entry, mistakes
