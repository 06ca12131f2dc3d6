"""The phases that build what is configured by Meson and built by Ninja.

They are those of `gnu`, without `bootstrap`, and with the arguments that the functions here name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside import gnu
from larix.buildside.gnu import main_output, parallel_jobs
from larix.buildside.invoke import invoke
from larix.buildside.phases import Phases

__all__ = ["cross_file", "meson_phases", "standard_phases"]

Outputs = Mapping[str, Path]
BUILD_DIRECTORY = "../build"


def _configure(
    *,
    outputs: Outputs,
    configure_flags: Sequence[str] = (),
    build_type: str = "debugoptimized",
    target: str | None = None,
) -> None:
    """`configure_flags` come last, so that a package has the last word."""
    prefix = main_output(outputs)
    flags = [
        f"--prefix={prefix}",
        f"--libdir={outputs['lib']}/lib" if "lib" in outputs else "--libdir=lib",
        f"--sysconfdir={prefix}/etc",
        f"--buildtype={build_type}",
        "--wrap-mode=nodownload",
    ]
    if "bin" in outputs:
        flags += [f"--bindir={outputs['bin']}/bin", f"--sbindir={outputs['bin']}/sbin"]
    if "include" in outputs:
        flags += [f"--includedir={outputs['include']}/include"]
    if target is not None:
        description = Path("../meson-cross.ini").absolute()
        description.write_text(cross_file(target), encoding="utf-8")
        flags += [f"--cross-file={description}"]
    source = os.getcwd()
    invoke("meson", "setup", BUILD_DIRECTORY, source, *flags, *configure_flags)
    os.chdir(BUILD_DIRECTORY)


def cross_file(target: str) -> str:
    """How Meson is told of another machine: its tools, and what it is."""
    machine = target.partition("-")[0]
    tools = {"c": "gcc", "cpp": "g++", "ar": "ar", "strip": "strip", "ld": "ld", "objcopy": "objcopy"}
    family = {"i686": "x86", "armv7l": "arm"}.get(machine, machine)
    lines = [
        "[binaries]",
        *(f"{name} = '{target}-{program}'" for name, program in tools.items()),
        "pkg-config = 'pkg-config'",
        "[host_machine]",
        "system = 'linux'",
        f"cpu_family = '{family}'",
        f"cpu = '{machine}'",
        "endian = 'little'",
    ]
    return "\n".join([*lines, ""])


def _build(*, build_flags: Sequence[str] = (), parallel_build: bool = True) -> None:
    invoke("ninja", "-v", "-j", str(parallel_jobs() if parallel_build else 1), *build_flags)


def _check(
    *,
    tests: bool = True,
    test_flags: Sequence[str] = (),
    parallel_tests: bool = True,
    target: str | None = None,
) -> None:
    """No test is stopped for being slow: machines differ."""
    if not tests or target:
        print("not run: " + ("`tests` is false" if not tests else f"for {target}"), flush=True)
        return
    jobs = str(parallel_jobs() if parallel_tests else 1)
    words = ("--no-rebuild", "--print-errorlogs", "--timeout-multiplier", "0", "--num-processes", jobs)
    invoke("meson", "test", *words, *test_flags)


def _install() -> None:
    invoke("meson", "install", "--no-rebuild")


def meson_phases() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    gnu.standard_phases.delete("bootstrap")
    .replace("configure", _configure)
    .replace("build", _build)
    .replace("check", _check)
    .replace("install", _install)
    .pairs,
    made_by=(meson_phases, ()),
)
