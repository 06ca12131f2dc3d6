"""Ninja."""

from __future__ import annotations

import os
import re
from pathlib import Path

from larix.buildside.files import install_file, mkdir_p, substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import invoke
from larix.buildside.unpack import source_directory, unpack
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["ninja"]

googletest_source = Origin(
    uri="debian://pool/main/g/googletest/googletest_1.17.0.orig.tar.gz",
    sha256="3dc65ed118d82feb8276176354568e66acefee362d2b615e798bdd6c656377ff",
)


def name_the_shell(*, shell: Path) -> None:
    """Every command of a build goes through it."""
    substitute("src/subprocess-posix.cc", ('"/bin/sh"', f'"{shell.parent}/sh"'))


def build() -> None:
    """Ninja builds itself: first all sources in one command, then again by that program."""
    os.environ["CXXFLAGS"] = "-O2"
    invoke("python3", "configure.py", "--bootstrap", "--verbose")


def check(*, native_inputs: dict[str, Path]) -> None:
    """Upstream's unit tests, which want GoogleTest and CMake; here Ninja builds them as it builds itself.

    The tests of the output are left out: they start Ninja through `script`, which makes it a terminal.
    """
    unpack(native_inputs["googletest"], "../googletest-source")
    googletest = Path(os.path.abspath(source_directory("../googletest-source")), "googletest")
    mkdir_p("unit")
    flags = f"-std=c++17 -fno-rtti -Isrc -I{googletest}/include -I{googletest}"
    (listed,) = re.findall(r"add_executable\(ninja_test\s([^)]*)\)", Path("CMakeLists.txt").read_text())
    sources = [*map(Path, listed.split()), googletest / "src/gtest-all.cc"]
    objects = " ".join(f"unit/{each.stem}.o" for each in sources)
    lines = [
        f"rule compile\n  command = g++ {flags} -c $in -o $out",
        "rule link\n  command = g++ $in -o $out -pthread",
        *(f"build unit/{each.stem}.o: compile {each}" for each in sources),
        f"build ninja_test: link {objects} build/libninja.a build/libninja-re2c.a",
    ]
    Path("unit.ninja").write_text("\n".join(lines) + "\n")
    invoke("./ninja", "-f", "unit.ninja", f"-j{parallel_jobs()}", "ninja_test")
    invoke("./ninja_test")
    invoke("python3", "misc/ninja_syntax_test.py")


def install(*, outputs: dict[str, Path], name: str, version: str) -> None:
    install_file("ninja", outputs["out"] / "bin")
    install_file("doc/manual.asciidoc", outputs["out"] / f"share/doc/{name}-{version}")
    shell_completion = outputs["out"] / "share/bash-completion/completions"
    install_file("misc/bash-completion", shell_completion, name="ninja")
    install_file("misc/zsh-completion", outputs["out"] / "share/zsh/site-functions", name="_ninja")


ninja = Package(
    name="ninja",
    version="1.13.2",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/ninja-build/ninja/archive/refs/tags/v{p.version}.tar.gz",
            f"debian://pool/main/n/ninja-build/ninja-build_{p.version}.orig.tar.gz",
        ),
        file_name=f"ninja-{p.version}.tar.gz",
        sha256="974d6b2f4eeefa25625d34da3cb36bdcebe7fbce40f4c16ac0835fd1c0cbae17",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.delete("configure")
        .add_before("build", name_the_shell)
        .replace("build", build)
        .replace("check", check)
        .replace("install", install),
    },
    native_inputs=lambda: [("googletest", googletest_source)],
    synopsis="Small build system that starts fast",
    description=(
        "Ninja runs the commands that bring files up to date. Its input is meant to be written by other "
        "programs, such as CMake and Meson, and says everything outright; so it starts at once even when "
        "there are very many files."
    ),
    home_page="https://ninja-build.org/",
    license=licenses.apache2,
)
