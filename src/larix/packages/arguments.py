"""What packages give to build systems, checked when a definition is read and not when its build gets there.

A build system tells what it takes: `argument_names`; `argument_kind`, the check of one argument; and
`given_names`, what its builds give to functions beside the arguments of the package. One that tells nothing
is let pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from larix.buildside.phases import Phases
from larix.errors import Location
from larix.packages.bag import REFERENCE_LIMITS
from larix.packages.blame import did_you_mean
from larix.packages.kinds import optional, sequence_of, thawed
from larix.packages.record import BadRecord, Unfit, type_words
from larix.staging.lower import is_lowerable
from larix.words import mark, tr

if TYPE_CHECKING:
    from larix.packages.package import Package

__all__ = ["Kind", "check_arguments"]

Kind: TypeAlias = Callable[[Any], object]
"""Raises `Unfit` for what an argument cannot be."""


def check_arguments(package: Package) -> None:
    """Raise `BadRecord` for an argument that the build system does not know or cannot use."""
    system: Any = package.build_system
    known: object = getattr(system, "argument_names", None)
    if not isinstance(known, Sequence):
        return
    names = [*cast("Sequence[str]", known), *REFERENCE_LIMITS]
    kind_of: Callable[[str], Kind | None] = getattr(system, "argument_kind", lambda _: None)
    for name, value in package.arguments.items():
        if name not in names:
            raise _unknown(package, name, names)
        kind = _LIMIT if name in REFERENCE_LIMITS else kind_of(name)
        if kind is not None:
            _check_kind(package, name, value, kind)
    given: Collection[str] | None = getattr(system, "given_names", None)
    if given is not None:
        _check_functions(package, given, names)


def _unknown(package: Package, argument: str, names: Sequence[str]) -> BadRecord:
    return BadRecord(
        tr(
            "build system `{system}` of package `{name}` has no argument `{argument}`",
            system=package.build_system.name,
            name=package.name,
            argument=argument,
        ),
        place=package.location,
        hint=did_you_mean(argument, names) or tr("there are: {names}", names=", ".join(sorted(names))),
    )


def _check_kind(package: Package, name: str, value: object, kind: Kind) -> None:
    try:
        kind(value)
    except Unfit as error:
        raise BadRecord(
            tr(
                "argument `{argument}` of package `{name}`: expected {expected}, found {found}",
                argument=name,
                name=package.name,
                expected=error.expected,
                found=error.found or type_words(thawed(value)),
            ),
            place=package.location,
            hint=error.hint,
        ) from error


def _check_functions(package: Package, given: Collection[str], names: Collection[str]) -> None:
    """Refuse functions that ask, without a default, for what no build would give them."""
    available = {*given, *package.arguments}
    for subject, function in _functions(package):
        missing = next((each for each in _needed(function) if each not in available), None)
        if missing is None:
            continue
        if missing in names:
            why, hint = tr("which the package does not give"), tr("give the parameter a default value")
        else:
            close = did_you_mean(missing, {*available, *names})
            there_are = tr("they give: {names}", names=", ".join(sorted(available)))
            why = tr("which builds do not give")
            hint = f"{close} ({there_are})" if close else there_are
        message = tr(
            "{subject} of package `{name}` asks for `{missing}`, {why}",
            subject=subject,
            name=package.name,
            missing=missing,
            why=why,
        )
        code = function.__code__
        raise BadRecord(message, place=Location(code.co_filename, code.co_firstlineno), hint=hint)


def _functions(package: Package) -> Iterator[tuple[str, FunctionType]]:
    """The package's own functions that its build calls, and what they are."""
    for name, value in package.arguments.items():
        if isinstance(value, Phases):
            standard: Any = getattr(package.build_system, "default_phases", Phases())
            usual = dict(cast("Phases", standard).pairs)
            for phase, function in value.pairs:
                if isinstance(function, FunctionType) and usual.get(phase) is not function:
                    yield tr("phase `{phase}`", phase=phase), function
        elif isinstance(value, FunctionType):
            yield tr("the function of argument `{argument}`", argument=name), value


def _needed(function: FunctionType) -> list[str]:
    """The parameters that have no default value."""
    code = function.__code__
    ordinary = code.co_varnames[: code.co_argcount]
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return [
        *ordinary[: code.co_argcount - len(function.__defaults__ or ())],
        *[each for each in keywords if each not in (function.__kwdefaults__ or {})],
    ]


def _reference(value: object) -> object:
    if not (isinstance(value, str) or is_lowerable(value)):
        raise Unfit(tr("names of outputs and things that can be built"), type_words(thawed(value)))
    return value


_LIMIT = optional(sequence_of(_reference, mark("names of outputs and packages")))
