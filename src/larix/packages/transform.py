"""Variants of packages: functions from packages to packages, applied through the whole graph.

A transformation is memoised by the package's identity, so that what two packages share stays shared. Variants
keep the location of their original. Inputs are rewritten when they are read, so nothing is walked that is not
used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from larix.buildside.phases import call_with
from larix.packages.inputs import Input, Output
from larix.packages.package import Package
from larix.packages.record import BadRecord

if TYPE_CHECKING:
    from larix.staging.lower import Lowerable

__all__ = [
    "mapped_inputs",
    "rewrite_inputs",
    "static_package",
    "with_configure_flags",
    "with_source",
    "without_tests",
]

Transformation: TypeAlias = Callable[[Package], Package]

INPUT_FIELDS = ("native_inputs", "inputs", "propagated_inputs")


def mapped_inputs(change: Transformation, *, native: bool = True) -> Transformation:
    """The transformation that applies `change` to a package after doing so to all that it needs.

    `change` gets a package whose inputs are those rewritten already and returns it or a variant. Without
    `native`, what only runs in builds stays as it is.
    """
    fields = INPUT_FIELDS if native else INPUT_FIELDS[1:]
    known: dict[int, tuple[Package, Package]] = {}

    def transformed(package: Package) -> Package:
        if id(package) not in known:
            late: dict[str, Any] = {field: _late_inputs(package, field, transformed) for field in fields}
            made = change(package.inherit(location=package.location, **late))
            # The original is kept, so that its identity is not given to another.
            known[id(package)] = (package, made)
            # What a variant is transformed into is itself.
            known[id(made)] = (made, made)
        return known[id(package)][1]

    return transformed


def rewrite_inputs(replacements: Mapping[Package | str, Package | Transformation]) -> Transformation:
    """Replace packages by others everywhere below a package; the replacements themselves are not rewritten.

    A key is a package, or the name of all packages called so; a replacement is a package or a function of the
    one that it replaces.
    """
    by_identity = {id(old): new for old, new in replacements.items() if isinstance(old, Package)}
    by_name = {old: new for old, new in replacements.items() if isinstance(old, str)}
    known: dict[int, tuple[Package, Package]] = {}

    def replaced(package: Package) -> Package | None:
        new = by_identity.get(id(package)) or by_name.get(package.name)
        if new is None:
            return None
        return new if isinstance(new, Package) else new(package)

    def transformed(package: Package) -> Package:
        if id(package) not in known:
            made = replaced(package) or package.inherit(
                location=package.location,
                **{field: _late_inputs(package, field, transformed) for field in INPUT_FIELDS},
            )
            known[id(package)] = (package, made)
        return known[id(package)][1]

    return transformed


def static_package(package: Package) -> Package:
    """A variant of a GNU package that is linked statically, against inputs that are so too.

    What runs in the build stays as it is. Configure scripts are told to make static libraries and programs.
    """
    return _static(package)


def _make_static(package: Package) -> Package:
    if package.build_system.name != "gnu":
        return package
    variant = _with_more(package, "configure_flags", ("--disable-shared", "--enable-static"))
    variant = _with_more(variant, "make_flags", ("LDFLAGS=-static",))
    return _with_arguments(variant, validate_runpath=False)


_static = mapped_inputs(_make_static, native=False)


def with_configure_flags(package: Package, flags: Sequence[str]) -> Package:
    """A variant with more flags for configure, after its own."""
    return _with_more(package, "configure_flags", tuple(flags))


def with_source(package: Package, source: Lowerable, *, version: str | None = None) -> Package:
    """A variant built from another source, under another version if one is given."""
    changes: dict[str, Any] = {"source": source}
    if version is not None:
        changes["version"] = version
    return package.inherit(location=package.location, **changes)


def without_tests(package: Package) -> Package:
    """A variant whose test suite is not run."""
    if package.build_system.name == "trivial":
        raise BadRecord(f"package `{package.name}` runs no tests to leave out", place=package.location)
    return _with_arguments(package, tests=False)


def _with_arguments(package: Package, **changes: Any) -> Package:
    return package.inherit(location=package.location, arguments=lambda: {**package.arguments, **changes})


def _with_more(package: Package, argument: str, more: tuple[str, ...]) -> Package:
    """With more words in an argument that is a list, or a build-side function that gives one."""

    def arguments() -> dict[str, Any]:
        own: Any = package.arguments.get(argument, ())
        return {**package.arguments, argument: _extended(own, more) if callable(own) else (*own, *more)}

    return package.inherit(location=package.location, arguments=arguments)


def _extended(function: Callable[..., Any], more: tuple[str, ...]) -> Callable[..., list[str]]:
    def extended(**given: Any) -> list[str]:
        return [*call_with(function, given), *more]

    return extended


def _late_inputs(package: Package, field: str, change: Transformation) -> Callable[[], tuple[Input, ...]]:
    def inputs() -> tuple[Input, ...]:
        return tuple([_changed(each, change) for each in getattr(package, field)])

    return inputs


def _changed(given: Input, change: Transformation) -> Input:
    value: object = given.value
    if isinstance(value, Package):
        return given._replace(value=change(value))
    if isinstance(value, Output):
        return given._replace(value=change(value.package).output(value.name))
    return given
