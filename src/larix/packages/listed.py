"""A package as a manifest lists it: by a specification, with the transformations of a command line.

`transformed("redis", "--without-tests=redis")` in a manifest is `larix install redis --without-tests=redis`.
Only the commands know how transformations are done, so this is what they are told. `inputs_of("redis")`
stands for what the build of redis needs, as `larix shell -D redis` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from larix.errors import LarixError
from larix.packages.specification import Specification, parse_specification
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BadTransformed", "Transformed", "inputs_of", "transformed"]


class BadTransformed(LarixError):
    """What was given is no specification, or no option."""


class Transformed(NamedTuple):
    """`options` are pairs of a name without dashes and a value; `sources` what was trusted to make it.

    With `development`, an environment has what the package's build needs, instead of the package.
    """

    specification: Specification
    options: tuple[tuple[str, str], ...]
    sources: Mapping[str, Any]
    development: bool = False


def inputs_of(specification: str, *options: str) -> Transformed:
    """What the build of that package needs, with each option as on the command line."""
    return transformed(specification, *options)._replace(development=True)


def transformed(specification: str, *options: str, sources: Mapping[str, Any] | None = None) -> Transformed:
    """The package that the specification names, with each option as on the command line."""
    pairs: list[tuple[str, str]] = []
    for option in options:
        name, _, value = option.partition("=")
        if not name.startswith("--"):
            raise BadTransformed(
                tr("`{option}' is no option", option=option), hint=tr("write `--OPTION=VALUE'")
            )
        pairs.append((name[2:], value))
    return Transformed(parse_specification(specification), tuple(pairs), dict(sources or {}))
