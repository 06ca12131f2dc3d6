"""The arguments that packages give to build systems: checked, and made ready to be staged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.errors import LarixError
from larix.packages.bag import REFERENCE_LIMITS, package_of
from larix.packages.kinds import thawed
from larix.packages.toolchain import UnknownToolchain, toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from larix.packages.bag import Bag
    from larix.packages.inputs import Input
    from larix.packages.package import Package
    from larix.packages.search_paths import SearchPath
    from larix.packages.toolchain import Toolchain
    from larix.staging.lower import Lowering

__all__ = [
    "BadArguments",
    "checked_arguments",
    "gnu_triplet",
    "input_search_paths",
    "reference_limits",
    "toolchain_of",
]

_TRIPLETS = {"armhf-linux": "arm-linux-gnueabihf"}
LIMITS = REFERENCE_LIMITS


class BadArguments(LarixError):
    """A package does not give its build system what that cannot do without."""


def checked_arguments(package: Package) -> dict[str, Any]:
    """The package's arguments, which its build system knows and can use."""
    package.check_arguments()
    return {name: thawed(value) for name, value in package.arguments.items()}


def toolchain_of(package: Package, arguments: Mapping[str, Any]) -> Toolchain:
    """The toolchain that the package names, or the one in use."""
    try:
        return toolchain(arguments.get("toolchain"))
    except UnknownToolchain as error:
        if "toolchain" not in arguments:
            raise
        raise UnknownToolchain(error.message, place=package.location, hint=error.hint) from error


def reference_limits(bag: Bag, lowering: Lowering) -> dict[str, str]:
    """The environment variables by which a derivation says what its outputs may refer to."""
    found: dict[str, str] = {}
    for name, variable in LIMITS.items():
        value = bag.arguments.get(name)
        if value is not None:
            words = [each if isinstance(each, str) else lowering.lower(each).path for each in value]
            found[variable] = " ".join(words)
    return found


def input_search_paths(inputs: Iterable[Input]) -> tuple[SearchPath, ...]:
    """What the packages among the inputs read when they run in a build, each once."""
    packages = [package_of(each.value) for each in inputs]
    found = [path for each in packages if each is not None for path in each.native_search_paths]
    return tuple(dict.fromkeys(found))


def gnu_triplet(system: str) -> str:
    """The name that configure scripts know a system by."""
    machine, _, kernel = system.partition("-")
    return _TRIPLETS.get(system, f"{machine}-unknown-{kernel}-gnu")
