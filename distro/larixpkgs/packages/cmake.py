"""CMake, with the libraries that come with its source; it fetches nothing over HTTPS."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import mkdir_p, substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses

__all__ = ["cmake"]

# The whole suite configures and builds some seven hundred projects, which takes hours. These are upstream's
# unit tests of CMake's own libraries, and a few projects of each kind: languages, libraries, scripts.
TESTS = (
    r"^(CMakeLib\..*|kwsys\..*|CMake\.(List|ListFile|String|Math|Regex|VariableWatch|Expression)|SimpleInstall"
    r"|RunCMake\.(list|string|math|if|foreach|function|return|file|get_filename_component|cmake_path"
    r"|configure_file|set|while|Syntax|message|execute_process)|COnly|CxxOnly|StringFileTest|TarTest)$"
)
# Name the host's directories, or want a user and a home.
SKIPPED = r"^(kwsys\.testDynamicLoader|kwsys\.testSystemTools|RunCMake\.execute_process)$"


def name_the_shell(*, shell: Path) -> None:
    """Makefiles that CMake writes, and commands that it starts, name the shell by its file."""
    sh = f"{shell.parent}/sh"
    substitute("Source/cmExecProgramCommand.cxx", ('"/bin/sh"', f'"{sh}"'))
    substitute("Source/cmLocalUnixMakefileGenerator3.cxx", ("SHELL = /bin/sh", f"SHELL = {sh}"))
    substitute("Source/cmLocalNinjaGenerator.cxx", ('"/bin/sh "', f'"{sh} "'))


def configure(*, outputs: dict[str, Path], shell: Path, name: str, version: str) -> None:
    """A small CMake is made by a script, and it configures the real one."""
    mkdir_p("../build")
    os.chdir("../build")
    flags = [
        f"--prefix={outputs['out']}",
        f"--parallel={parallel_jobs()}",
        f"--datadir=share/{name}",
        f"--docdir=share/doc/{name}-{version}",
        "--mandir=share/man",
        "--no-system-libs",
        "--no-qt-gui",
    ]
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_CXX_FLAGS_RELEASE": "-O2 -DNDEBUG",
        "CMAKE_C_FLAGS_RELEASE": "-O2 -DNDEBUG",
        "CMake_BUILD_PCH": "ON",  # headers compiled once halve the time
        "CMAKE_USE_OPENSSL": "OFF",
        "BUILD_CursesDialog": "OFF",
    }
    words = [f"-D{key}={value}" for key, value in options.items()]
    invoke(shell, f"{os.environ['LARIX_SOURCE_DIRECTORY']}/bootstrap", *flags, "--", *words)


def check() -> None:
    invoke(
        "bin/ctest",
        f"--parallel={parallel_jobs()}",
        "--output-on-failure",
        "--no-tests=error",
        "--tests-regex",
        TESTS,
        "--exclude-regex",
        SKIPPED,
        environment={"HOME": os.getcwd()},
    )


cmake = Package(
    name="cmake",
    version="4.3.4",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/Kitware/CMake/releases/download/v{p.version}/cmake-{p.version}.tar.gz",
            f"debian://pool/main/c/cmake/cmake_{p.version}.orig.tar.gz",
        ),
        sha256="fdeff897b9eb49d764539f2b1edc6eb7e1440df325678a97c1978499e931adda",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", name_the_shell)
        .replace("configure", configure)
        .replace("check", check),
    },
    native_search_paths=[SearchPath("CMAKE_PREFIX_PATH", ("",))],
    synopsis="Generate build files from a description of a project",
    description=(
        "CMake reads what a project consists of and needs, looks for compilers and libraries, and writes "
        "the files by which Make or Ninja builds, tests and installs it. CTest runs tests, and CPack "
        "packs what was built."
    ),
    home_page="https://cmake.org/",
    license=licenses.bsd_3,
)
