"""Compilers that run here and compile for other machines: Debian's, relocated as the seed is.

Two items come of one set of packages. The libc's holds nothing but what programs of the other machine need
there, and the headers: they refer to it alone, never to the compiler.

`system` and `popen` of that libc start /bin/sh, as the seed's own would without the changes that are made to
x86-64 code only.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from larix.buildside.elf import is_elf, read_elf
from larix.buildside.failure import BuildSideError
from larix.buildside.files import copy_recursively, find_files, substitute
from larix.buildside.invoke import capture, invoke_quietly
from larix.derivation import derivation
from larix.packages.inputs import Input
from larix.packages.toolchain import CrossTools
from larix.staging import Interpreter, build_expression_to_derivation
from larix.staging.lower import Item
from larixpkgs.bootstrap.seed import SKIPPED, DebianPackage, read_list, seed

if TYPE_CHECKING:
    from larix.derivation import Lowered
    from larix.staging.lower import Lowering

__all__ = ["TARGETS", "CrossCompiler", "CrossLibrary", "cross_tools"]

TARGETS = {"aarch64-linux-gnu": "debian-packages-aarch64.tsv"}

# Link-time optimisation, sanitizers and plugins, as in the seed, and another linker.
LEFT_OUT = (
    r"^(lto1|lib\w*san.*|plugin|libcc1.*|g\+\+-mapper-server|bfd-plugins|ld\.gold"
    r"|.*-(lto-dump|gcov|gcov-dump|gcov-tool|gprof|dwp|ld\.gold)(-12)?)$"
)


class CrossLibrary:
    """The C and C++ libraries of the other machine, and their headers."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.name = f"libc-{target}"

    def __lower__(self, lowering: Lowering) -> Item:
        lowering = lowering.variant(target=None)
        made = lowering.cached(("cross library", self.target), lambda: _library(lowering, self.target))
        return Item(made.output_path(), made, "out")


class CrossCompiler:
    """GCC and binutils for the other machine: `TARGET-gcc`, `TARGET-ld` and the others."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.name = f"gcc-{target}"

    def __lower__(self, lowering: Lowering) -> Item:
        lowering = lowering.variant(target=None)
        made = lowering.cached(("cross compiler", self.target), lambda: _compiler(lowering, self.target))
        return Item(made.output_path(), made, "out")


@functools.cache
def cross_tools(target: str) -> CrossTools | None:
    """What the toolchain `seed` has for a target; None when it has nothing."""
    if target not in TARGETS:
        return None
    compiler, library = CrossCompiler(target), CrossLibrary(target)
    return CrossTools((Input(compiler.name, compiler),), (Input(library.name, library),))


def _packages(target: str) -> tuple[DebianPackage, ...]:
    return read_list(os.path.join(os.path.dirname(__file__), TARGETS[target]))


def _unpacked(lowering: Lowering, target: str) -> Lowered:
    packages = [package.origin.download(lowering) for package in _packages(target)]
    return derivation(
        f"debian-packages-{target}",
        store_dir=lowering.store_dir,
        system=lowering.system,
        builder="builtin:unpack-debs",
        env={"debs": " ".join(each.output_path() for each in packages), "skip": " ".join(SKIPPED)},
        inputs=[(each, ("out",)) for each in packages],
    )


def _library(lowering: Lowering, target: str) -> Lowered:
    return build_expression_to_derivation(
        f"libc-{target}",
        make_library,
        lowering=lowering,
        inputs={"packages": _unpacked(lowering, target), "seed": seed},
        arguments={"triplet": target},
        python=Interpreter(seed, "bin/python3"),
    )


def _compiler(lowering: Lowering, target: str) -> Lowered:
    return build_expression_to_derivation(
        f"gcc-{target}",
        make_compiler,
        lowering=lowering,
        inputs={
            "packages": _unpacked(lowering, target),
            "library": _library(lowering, target),
            "seed": seed,
        },
        arguments={"triplet": target},
        python=Interpreter(seed, "bin/python3"),
    )


def make_library(*, output: Path, inputs: dict[str, Path], triplet: str) -> None:
    """The libraries look for each other beside themselves; the loader and libc look for nothing."""
    for name in ("lib", "include"):
        copy_recursively(inputs["packages"] / triplet / name, output / name)
    substitute(output / "lib" / "libc.so", (rf"/(?:usr/{triplet}/)?lib(?:64)?/", ""))
    for file in find_files(output / "lib", r"\.so\.[0-9.]+$"):
        if is_elf(file) and not file.name.startswith(("ld-linux", "libc.so")):
            invoke_quietly(inputs["seed"] / "bin/patchelf", "--set-rpath", "$ORIGIN", file)


def make_compiler(*, output: Path, inputs: dict[str, Path], triplet: str) -> None:
    """The programs run by the seed's loader and libraries; what they compile uses the other machine's."""
    tree, library, seed_libraries = (
        inputs["packages"],
        inputs["library"],
        inputs["seed"] / "lib/x86_64-linux-gnu",
    )
    compiler = output / "lib" / "gcc-cross" / triplet / "12"

    def wanted(file: Path) -> bool:
        return not re.match(LEFT_OUT, file.name)

    for name in (
        "bin",
        f"lib/gcc-cross/{triplet}",
        f"lib/{triplet}",
        "lib/x86_64-linux-gnu",
        f"{triplet}/bin",
    ):
        copy_recursively(tree / name, output / name, select=wanted)
    for name in ("lib", "include"):
        (output / triplet / name).symlink_to(library / name)
    for name in ("gcc", "g++", "cpp", "gcc-ar", "gcc-nm", "gcc-ranlib"):
        (output / "bin" / f"{triplet}-{name}").symlink_to(f"{triplet}-{name}-12")
    own = output / "lib" / "x86_64-linux-gnu"
    for file in [*find_files(output / "bin"), *find_files(compiler), *find_files(own)]:
        elf = read_elf(file) if is_elf(file) else None
        if elf is not None and elf.is_dynamic:
            words = ["--set-rpath", f"{own}:{seed_libraries}"]
            if elf.interpreter:
                words += ["--set-interpreter", str(seed_libraries / "ld-linux-x86-64.so.2")]
            invoke_quietly(inputs["seed"] / "bin/patchelf", *words, file)
    specs = compiler / "specs"
    specs.write_text(capture(output / "bin" / f"{triplet}-gcc", "-dumpspecs"))
    search_path = "%{!nostdlib:%{!static:%{!static-pie:%{!r:-Wl,-rpath," + f"{library}/lib" + "}}}}"
    option = "%{!-sysroot=*:--sysroot=" + f"{library} {search_path}" + "}"
    text = specs.read_text()
    if "/lib/ld-linux-" not in text or "*self_spec:\n\n" not in text:
        raise BuildSideError(f"{specs} names no loader, or has no place for options")
    # The loader's name has options of the compiler in it.
    changed = text.replace("/lib/ld-linux-", f"{library}/lib/ld-linux-")
    specs.write_text(changed.replace("*self_spec:\n\n", f"*self_spec:\n{option}\n"))
    for link in find_files(output):
        if link.is_symlink() and not link.exists():
            link.unlink()
