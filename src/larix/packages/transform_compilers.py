"""Variants built with another compiler, or for one kind of processor.

A compiler is put before that of the toolchain on the path of the build, which works for all build systems
that look for one there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from larix.buildside.compiler_wrapper import wrap_compilers
from larix.buildside.failure import show_failure
from larix.errors import LarixError
from larix.packages.blame import did_you_mean
from larix.packages.inputs import Input
from larix.packages.package import Package
from larix.packages.toolchain import toolchain
from larix.packages.transform import (
    Transformation,
    check_argument,
    depends_on,
    mapped_inputs,
    variant,
    with_arguments,
)
from larix.staging.expr import build_expression_to_derivation
from larix.staging.files import StoreFile
from larix.staging.lower import Item
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from larix.staging.lower import Lowering

__all__ = [
    "UnknownProcessor",
    "check_processor",
    "is_tunable",
    "tuned",
    "tuning",
    "with_c_toolchain",
    "with_compilers_below",
    "with_tuned",
]

# What `-march` of GCC 12 takes: https://gcc.gnu.org/onlinedocs/gcc-12.2.0/gcc/Submodel-Options.html
_PROCESSORS = {
    "x86_64": "x86-64 x86-64-v2 x86-64-v3 x86-64-v4 nocona core2 nehalem westmere sandybridge ivybridge "
    "haswell broadwell skylake bonnell silvermont goldmont goldmont-plus tremont knl knm skylake-avx512 "
    "cannonlake icelake-client icelake-server cascadelake cooperlake tigerlake sapphirerapids alderlake "
    "rocketlake k8 k8-sse3 amdfam10 barcelona bdver1 bdver2 bdver3 bdver4 znver1 znver2 znver3 btver1 btver2",
    "aarch64": "armv8-a armv8.1-a armv8.2-a armv8.3-a armv8.4-a armv8.5-a armv8.6-a armv8.7-a armv8.8-a "
    "armv9-a",
}


class UnknownProcessor(LarixError):
    """The compiler knows no processor of that name."""


def check_processor(name: str, system: str) -> None:
    """Raise UnknownProcessor unless packages for `system` can be tuned for `name`."""
    machine = system.partition("-")[0]
    known = _PROCESSORS.get(machine, "").split()
    if name not in known:
        listed = ", ".join(known) or "none"
        raise UnknownProcessor(
            tr("no processor of {machine} is called `{name}`", machine=machine, name=name),
            hint=did_you_mean(name, known) or tr("there are: {listed}", listed=listed),
        )


class WrappedCompilers(StoreFile):
    """The compilers of a toolchain, with flags that they always add."""

    __slots__ = ("flags", "name", "toolchain")

    def __init__(self, name: str, flags: Sequence[str], toolchain_name: str | None) -> None:
        self.name = name
        self.flags = tuple(flags)
        self.toolchain = toolchain_name

    def __repr__(self) -> str:
        return f"<compilers {self.name}>"

    def __lower__(self, lowering: Lowering) -> Item:
        tools = toolchain(self.toolchain)
        lowered = build_expression_to_derivation(
            self.name,
            make_wrapped_compilers,
            lowering=lowering,
            inputs={each.label: each.value for each in tools.inputs},
            arguments={"flags": self.flags, "shell": tools.shell},
            python=tools.python,
        )
        return Item(lowered.output_path(), lowered, "out")


def make_wrapped_compilers(
    *, output: Path, inputs: dict[str, Path], flags: tuple[str, ...], shell: Path
) -> None:
    sys.excepthook = show_failure
    print("wrapped", *wrap_compilers(output, inputs.values(), flags, shell))


def is_tunable(package: Package) -> bool:
    return bool(package.properties.get("tunable", False))


def tuned(package: Package, processor: str) -> Package:
    """A variant compiled for one kind of processor; it may run on no other."""
    name = cast("str | None", package.arguments.get("toolchain"))
    compilers = WrappedCompilers(f"compilers-for-{processor}", (f"-march={processor}",), name)
    return _with_compilers(package, "tuning-compilers", compilers)


def with_tuned(package: Package, processor: str) -> Package:
    """The package, whose place in results a tuned variant of it, or of its replacement, takes by grafts."""
    return variant(package, replacement=lambda: tuned(package.replacement or package, processor))


def tuning(processor: str) -> Transformation:
    """What makes tuned variants take the place of all tunable packages at and below a package, by grafts."""
    return mapped_inputs(lambda package: with_tuned(package, processor) if is_tunable(package) else package)


def with_compilers_below(meant: Callable[[Package], bool], compiler: Package | str) -> Transformation:
    """What builds those that are meant, and all that need them, with another compiler."""
    depends = depends_on(meant)
    change = mapped_inputs(
        lambda package: with_c_toolchain(package, compiler) if depends(package) else package
    )
    return lambda package: change(package) if depends(package) else package


def with_c_toolchain(package: Package, compiler: Package | str) -> Package:
    """A variant built with the compilers of a package, or with a whole toolchain by its name."""
    if isinstance(compiler, str):
        check_argument(package, "toolchain", "toolchain")
        toolchain(compiler)
        return with_arguments(package, toolchain=compiler)
    return _with_compilers(package, "c-toolchain", compiler)


def _with_compilers(package: Package, label: str, compilers: Package | WrappedCompilers) -> Package:
    def native_inputs() -> tuple[Input, ...]:
        return (Input(label, compilers), *package.native_inputs)

    return package.inherit(location=package.location, native_inputs=native_inputs)
