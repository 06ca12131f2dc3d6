"""The phases that build what is configured by CMake: in a directory of its own, tested by ctest.

They are those of `gnu`, without `bootstrap`, and with the arguments that the functions here name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside import gnu
from larix.buildside.files import mkdir_p
from larix.buildside.gnu import SOURCE_VARIABLE, main_output, parallel_jobs
from larix.buildside.invoke import invoke
from larix.buildside.phases import Phases

__all__ = ["cmake_definitions", "cmake_phases", "standard_phases"]

Outputs = Mapping[str, Path]
Inputs = Mapping[str, Path]


def cmake_definitions(outputs: Outputs, *, build_type: str) -> dict[str, str]:
    """Where things go, and that programs find the libraries of the package and of its inputs at run time."""
    prefix = main_output(outputs)
    library = f"{outputs['lib']}/lib" if "lib" in outputs else "lib"
    found = {
        "CMAKE_BUILD_TYPE": build_type,
        "CMAKE_INSTALL_PREFIX": str(prefix),
        "CMAKE_INSTALL_LIBDIR": library,
        "CMAKE_INSTALL_RPATH": os.path.join(prefix, library),
        "CMAKE_INSTALL_RPATH_USE_LINK_PATH": "ON",
        "CMAKE_FIND_USE_PACKAGE_REGISTRY": "OFF",
        "CMAKE_EXPORT_NO_PACKAGE_REGISTRY": "ON",
        "FETCHCONTENT_FULLY_DISCONNECTED": "ON",
        "CMAKE_VERBOSE_MAKEFILE": "ON",
    }
    if "bin" in outputs:
        found |= {f"CMAKE_INSTALL_{kind.upper()}DIR": f"{outputs['bin']}/{kind}" for kind in ("bin", "sbin")}
    if "include" in outputs:
        found["CMAKE_INSTALL_INCLUDEDIR"] = f"{outputs['include']}/include"
    if "doc" in outputs:
        found["CMAKE_INSTALL_DOCDIR"] = f"{outputs['doc']}/share/doc"
    return found


def _cross_definitions(target: str, inputs: Inputs) -> dict[str, str]:
    """Programs are those of the build, libraries and headers those for the other machine."""
    roots = ";".join(map(str, inputs.values()))
    return {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": target.partition("-")[0],
        "CMAKE_C_COMPILER": f"{target}-gcc",
        "CMAKE_CXX_COMPILER": f"{target}-g++",
        "CMAKE_PREFIX_PATH": roots,
        "CMAKE_FIND_ROOT_PATH_MODE_PROGRAM": "NEVER",
    }


def _configure(
    *,
    outputs: Outputs,
    inputs: Inputs,
    configure_flags: Sequence[str] = (),
    build_type: str = "RelWithDebInfo",
    generator: str = "Unix Makefiles",
    out_of_source: bool = True,
    tests: bool = True,
    target: str | None = None,
) -> None:
    """`configure_flags` come last, so that a package has the last word."""
    source = os.getcwd()
    os.environ[SOURCE_VARIABLE] = source
    definitions = cmake_definitions(outputs, build_type=build_type)
    definitions["BUILD_TESTING"] = "ON" if tests and target is None else "OFF"
    if target is not None:
        definitions |= _cross_definitions(target, inputs)
    if out_of_source:
        os.chdir(mkdir_p("../build"))
    words = [f"-D{name}={value}" for name, value in definitions.items()]
    invoke("cmake", "-G", generator, *words, *configure_flags, source)


def _build(*, build_flags: Sequence[str] = (), parallel_build: bool = True) -> None:
    """`build_flags` are for `cmake --build`; after `--` for the program that it runs."""
    invoke("cmake", "--build", ".", *_jobs(parallel=parallel_build), *build_flags)


def _check(
    *,
    tests: bool = True,
    test_target: str | None = None,
    test_flags: Sequence[str] = (),
    test_exclude: str | None = None,
    parallel_tests: bool = True,
    target: str | None = None,
) -> None:
    """Run ctest, or build `test_target` if given; `test_exclude` is a regular expression on test names."""
    if not tests or target:
        print("not run: " + ("`tests` is false" if not tests else f"for {target}"), flush=True)
        return
    os.environ["CTEST_OUTPUT_ON_FAILURE"] = "1"
    jobs = _jobs(parallel=parallel_tests)
    if test_target is not None:
        invoke("cmake", "--build", ".", "--target", test_target, *jobs, *test_flags)
        return
    excluded = ("--exclude-regex", test_exclude) if test_exclude else ()
    invoke("ctest", *jobs, "--no-tests=error", *excluded, *test_flags)


def _install() -> None:
    invoke("cmake", "--install", ".")


def _jobs(*, parallel: bool) -> list[str]:
    return ["--parallel", str(parallel_jobs())] if parallel else []


def cmake_phases() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    gnu.standard_phases.delete("bootstrap")
    .replace("configure", _configure)
    .replace("build", _build)
    .replace("check", _check)
    .replace("install", _install)
    .pairs,
    made_by=(cmake_phases, ()),
)
