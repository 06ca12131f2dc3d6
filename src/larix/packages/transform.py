"""Variants of packages: functions from packages to packages, applied through the whole graph.

A transformation is memoised by the package's identity, so that what two packages share stays shared. Variants
keep the location of their original. Inputs are rewritten when they are read, so nothing is walked that is not
used. The replacement of a package, for grafts, is changed in the way that the package is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from larix.buildside.phases import call_with
from larix.packages.bag import package_of
from larix.packages.inputs import Input, Output
from larix.packages.package import Package
from larix.packages.record import BadRecord
from larix.packages.tools import implied_tools
from larix.packages.versions import version_matches
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.specification import Specification
    from larix.staging.lower import Lowerable

__all__ = [
    "Rule",
    "Transformation",
    "also_replacement",
    "check_argument",
    "depends_on",
    "is_meant",
    "mapped_inputs",
    "packages_below",
    "rewrite_inputs",
    "rewrite_matching",
    "static_package",
    "variant",
    "with_arguments",
    "with_configure_flags",
    "with_debug_info",
    "with_replacement",
    "with_source",
    "without_tests",
]

Transformation: TypeAlias = Callable[[Package], Package]

INPUT_FIELDS = ("native_inputs", "inputs", "propagated_inputs")


def variant(package: Package, **changes: Any) -> Package:
    """A variant at the place of its original, which keeps the replacement unless another is given."""
    kept = {"replacement": package.raw_fields.get("replacement")}
    return package.inherit(location=package.location, **(kept | changes))


def also_replacement(change: Transformation) -> Transformation:
    """The transformation that gives a package's variant the variant of its replacement."""

    def changed(package: Package) -> Package:
        made = change(package)
        if package.raw_fields.get("replacement") is None:
            return made
        return variant(made, replacement=lambda: _changed_package(package.replacement, change))

    return changed


def _changed_package(package: Package | None, change: Transformation) -> Package | None:
    return None if package is None else change(package)


def mapped_inputs(change: Transformation, *, native: bool = True) -> Transformation:
    """The transformation that applies `change` to a package after doing so to all that it needs.

    `change` gets a package whose inputs are those rewritten already and returns it or a variant; so it does
    the tools that build systems imply. Without `native`, these and what only runs in builds stay as they are.
    """
    fields = INPUT_FIELDS if native else INPUT_FIELDS[1:]
    known: dict[int, tuple[Package, Package]] = {}

    def transformed(package: Package) -> Package:
        if id(package) not in known:
            made = change(_with_inputs(package, fields, transformed))
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

    def replaced(package: Package) -> Package | None:
        new = by_identity.get(id(package)) or by_name.get(package.name)
        if new is None:
            return None
        return new if isinstance(new, Package) else new(package)

    return _rewriting(replaced)


class Rule(NamedTuple):
    """What to do with the packages that a specification names."""

    meant: Specification
    change: Transformation


def is_meant(package: Package, wanted: Specification) -> bool:
    return package.name == wanted.name and version_matches(package.version, wanted.version)


def rewrite_matching(rules: Sequence[Rule]) -> Transformation:
    """As `rewrite_inputs`, by specifications; all rules that name a package apply to it, in their order."""

    def replaced(package: Package) -> Package | None:
        changes = [rule.change for rule in rules if is_meant(package, rule.meant)]
        made = package
        for change in changes:
            made = change(made)
        return made if changes else None

    return _rewriting(replaced)


def _rewriting(replaced: Callable[[Package], Package | None]) -> Transformation:
    known: dict[int, tuple[Package, Package]] = {}

    def transformed(package: Package) -> Package:
        if id(package) not in known:
            made = replaced(package) or _with_inputs(package, INPUT_FIELDS, transformed)
            known[id(package)] = (package, made)
        return known[id(package)][1]

    return transformed


def packages_below(package: Package) -> Iterator[Package]:
    """The package, and all that it needs at any distance with what build systems imply, each once."""
    seen: dict[int, Package] = {}
    todo = [package]
    while todo:
        each = todo.pop()
        if id(each) not in seen:
            seen[id(each)] = each
            yield each
            todo += _direct(each)


def depends_on(meant: Callable[[Package], bool]) -> Callable[[Package], bool]:
    """Whether a package is meant, or needs at any distance one that is; remembered for each package."""
    known: dict[int, tuple[Package, bool]] = {}

    def depends(package: Package) -> bool:
        if id(package) not in known:
            known[id(package)] = (package, meant(package) or any(map(depends, _direct(package))))
        return known[id(package)][1]

    return depends


def _direct(package: Package) -> list[Package]:
    values = [*(each.value for each in package.direct_inputs()), *implied_tools(package).values()]
    return [each for value in values if (each := package_of(value)) is not None]


def static_package(package: Package) -> Package:
    """A variant of a GNU package that is linked statically, against inputs that are so too.

    What runs in the build stays as it is. Configure scripts are told to make static libraries and programs.
    """
    return _static(package)


def _make_static(package: Package) -> Package:
    if package.build_system.name != "gnu":
        return package
    made = _with_more(package, "configure_flags", ("--disable-shared", "--enable-static"))
    made = _with_more(made, "make_flags", ("LDFLAGS=-static",))
    return with_arguments(made, validate_runpath=False)


_static = mapped_inputs(_make_static, native=False)


def with_configure_flags(package: Package, flags: Sequence[str]) -> Package:
    """A variant with more flags for configure, after its own."""
    check_argument(package, "configure_flags", tr("configure flags"))
    return _with_more(package, "configure_flags", tuple(flags))


def with_source(package: Package, source: Lowerable, *, version: str | None = None) -> Package:
    """A variant built from another source, under another version if one is given."""
    changes: dict[str, Any] = {"source": source}
    if version is not None:
        changes["version"] = version
    return package.inherit(location=package.location, **changes)


def with_replacement(package: Package, new: Package) -> Package:
    """The same package, whose place in results `new` takes by grafts."""
    return variant(package, replacement=new)


def with_debug_info(package: Package) -> Package:
    """A variant whose programs and libraries keep their debugging information."""
    check_argument(package, "strip_binaries", tr("word on stripping"))
    return with_arguments(package, strip_binaries=False)


def without_tests(package: Package) -> Package:
    """A variant whose test suite is not run."""
    system = package.build_system
    if "tests" not in getattr(system, "argument_names", ("tests",)):
        raise BadRecord(
            tr(
                "build system `{system}` of package `{package}` runs no tests to leave out",
                system=system.name,
                package=package.name,
            ),
            place=package.location,
        )
    return with_arguments(package, tests=False)


def check_argument(package: Package, argument: str, what: str) -> None:
    """Raise BadRecord when the package's build system knows no such argument."""
    system = package.build_system
    if argument not in getattr(system, "argument_names", ()):
        raise BadRecord(
            tr(
                "build system `{system}` of package `{package}` takes no {what}",
                system=system.name,
                package=package.name,
                what=what,
            ),
            place=package.location,
        )


def with_arguments(package: Package, **changes: Any) -> Package:
    """A variant with some arguments of its build system changed."""
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


def _with_inputs(package: Package, fields: Sequence[str], change: Transformation) -> Package:
    late: dict[str, Any] = {field: _late_inputs(package, field, change) for field in fields}
    if "native_inputs" in fields:
        late["arguments"] = lambda: _with_tools(package, change)
    if package.raw_fields.get("replacement") is not None:
        late["replacement"] = lambda: _changed_package(package.replacement, change)
    return variant(package, **late)


def _late_inputs(package: Package, field: str, change: Transformation) -> Callable[[], tuple[Input, ...]]:
    def inputs() -> tuple[Input, ...]:
        return tuple([_changed(each, change) for each in getattr(package, field)])

    return inputs


def _with_tools(package: Package, change: Transformation) -> Mapping[str, Any]:
    """The arguments, with changed packages in the place of tools that the build system implies."""
    tools = implied_tools(package)
    changed = {name: _changed_value(value, change) for name, value in tools.items()}
    return {**package.arguments, **{name: new for name, new in changed.items() if new is not tools[name]}}


def _changed(given: Input, change: Transformation) -> Input:
    return given._replace(value=_changed_value(given.value, change))


def _changed_value(value: Lowerable, change: Transformation) -> Lowerable:
    if isinstance(value, Package):
        return change(value)
    if isinstance(value, Output):
        return change(value.package).output(value.name)
    return value
