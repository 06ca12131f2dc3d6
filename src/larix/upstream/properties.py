"""What a package's properties tell those who look for its releases; mistakes in them are told with the place.

upstream_name                    what its authors call it, where that is not the package's name
accept_pre_releases              early versions count, too
release_monitoring_url           a page that links to releases, to be looked at and nothing else
release_file_regexp              which links are releases; its one group is the version
release_tag_prefix, _suffix      expressions for what stands around the version in a tag
release_tag_version_delimiter    what stands in a tag where the version has full stops
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.package import Package

__all__ = ["BadProperty", "expression_property", "text_property"]


class BadProperty(LarixError):
    """A property is not what updaters take."""


def text_property(package: Package, name: str) -> str | None:
    """A property that is text, if the package has it. Raises BadProperty."""
    value: object = package.properties.get(name)
    if value is None or isinstance(value, str):
        return value
    raise BadProperty(
        tr(
            "the property `{name}` of `{package}` is `{value!r:.60}`, and not text",
            name=name,
            package=package.name,
            value=value,
        ),
        place=package.location,
    )


def expression_property(package: Package, name: str) -> str | None:
    """A property that is a regular expression, if the package has it. Raises BadProperty."""
    value = text_property(package, name)
    if value is not None:
        try:
            re.compile(value)
        except re.error as error:
            raise BadProperty(
                tr(
                    "the property `{name}` of `{package}` is no regular expression: {error}",
                    name=name,
                    package=package.name,
                    error=error,
                ),
                place=package.location,
            ) from error
    return value
