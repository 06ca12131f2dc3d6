"""Build systems told to people: their phases, their arguments, and the tools that they imply.

Which phases take an argument, and what it is when a package does not give it, is read from the phases
themselves; what it means is told here.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.buildsystems import build_system
from larix.buildsystems.gnu import HOST_ARGUMENTS
from larix.packages.bag import REFERENCE_LIMITS
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.buildside.phases import Phases

__all__ = ["MEANINGS", "Argument", "Description", "describe_build_system"]

MEANINGS = {
    "allowed_references": mark("all that outputs may refer to: items, or names of outputs"),
    "allowed_requisites": mark("the same for what is referred to in turn"),
    "backend_path": mark("directories of the source in which its own back end stands"),
    "build_backend": mark("MODULE or MODULE:OBJECT, in place of what pyproject.toml says"),
    "build_flags": mark("words for the program that builds"),
    "build_type": mark("how much to optimise, in the words of the tool"),
    "builder": mark("the function that makes the outputs"),
    "compress": mark("whether manual and info pages are compressed"),
    "config_settings": mark("a mapping for the back end"),
    "configure_flags": mark("words for configuring, after those that are always given"),
    "disallowed_references": mark("what outputs must not refer to"),
    "disallowed_requisites": mark("the same for what is referred to in turn"),
    "generator": mark("for which program CMake writes"),
    "implicit_inputs": mark("whether the toolchain and the tools are there without being named"),
    "install_flags": mark("words for the installation"),
    "install_plan": mark("steps: a source, a target, and perhaps a choice"),
    "install_target": mark("what make installs by"),
    "license_files": mark("a pattern of the names of licences at the top of the source"),
    "locale_name": mark("the locale of the build"),
    "make_flags": mark("words for every call of make"),
    "out_of_source": mark("whether to build in a directory beside the source"),
    "parallel_build": mark("whether to build on several cores"),
    "parallel_tests": mark("whether to run tests on several cores"),
    "phases": mark("changed phases: `standard_phases.add_after(...)`"),
    "prefer_makefile": mark("whether Makefile.PL is taken where Build.PL is too"),
    "sanity_check": mark("whether requirements and programs of what was installed are looked at"),
    "set_version": mark("whether back ends are told the version, which else they ask of Git"),
    "strip_binaries": mark("whether debugging information is taken out"),
    "strip_directories": mark("where programs and libraries are looked for"),
    "strip_flags": mark("words for strip, in place of the usual"),
    "test_command": mark("words that run the tests, in place of the usual"),
    "test_exclude": mark("a pattern of names of tests that are left out"),
    "test_flags": mark("words for the program that runs the tests"),
    "test_logs": mark("a pattern of names of logs that are shown when tests fail"),
    "test_target": mark("what make or cmake runs the tests by"),
    "tests": mark("whether tests are run"),
    "toolchain": mark("the name of another toolchain"),
    "validate_runpath": mark("whether programs must find their libraries in the store"),
    "wrap_programs": mark("whether scripts are made to find their modules on their own"),
}


class Argument(NamedTuple):
    """`default` is a Python expression, or None when it depends; `phases` are those that take it."""

    name: str
    meaning: str
    default: str | None
    phases: tuple[str, ...]


class Description(NamedTuple):
    """`tools` are implied inputs; `text` is what the module of the host half says of itself."""

    name: str
    summary: str
    text: str
    tools: tuple[str, ...]
    phases: tuple[str, ...]
    arguments: tuple[Argument, ...]


def describe_build_system(name: str) -> Description:
    """All of a build system that a packager may ask for; an unknown name is an `UnknownBuildSystem`."""
    system: Any = build_system(name)
    phases = cast("Phases | None", getattr(system, "default_phases", None))
    tools = (*getattr(system, "native_tools", ()), *getattr(system, "ordinary_tools", ()))
    names = sorted({*system.argument_names, *REFERENCE_LIMITS})
    return Description(
        name=name,
        summary=system.description,
        text=(sys.modules[f"larix.buildsystems.{name}"].__doc__ or "").strip(),
        tools=tools,
        phases=phases.names if phases is not None else (),
        arguments=tuple([_argument(each, tools, phases) for each in names]),
    )


def _argument(name: str, tools: tuple[str, ...], phases: Phases | None) -> Argument:
    if name in tools:
        return Argument(name, tr("a package in the place of the implied `{name}`", name=name), None, ())
    if name in HOST_ARGUMENTS or name == "phases":
        return Argument(name, MEANINGS[name], None, ())
    takers: list[str] = []
    default: str | None = None
    for phase, function in phases.pairs if phases is not None else ():
        found = _parameters(function).get(name)
        if found is not None:
            takers.append(phase)
            if found.default is not inspect.Parameter.empty:
                default = repr(found.default)
    return Argument(name, MEANINGS.get(name, ""), default, tuple(takers))


def _parameters(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)
