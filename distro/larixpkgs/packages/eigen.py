"""Eigen, which is all headers, from the tree that the release was tagged at; there is no other archive.

Upstream installs it by CMake, which takes a thousand times longer to build than the tests here do. What CMake
would write, the files by which other projects find the headers, is written here.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import copy_recursively, mkdir_p
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["eigen"]

# Of some hundred and forty, those that a compiler is done with in seconds; the others take minutes each.
TESTS = ("meta", "sizeof", "dynalloc", "sizeoverflow", "numext", "rand", "io")

FOR_CMAKE = """\
get_filename_component(_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET Eigen3::Eigen)
  add_library(Eigen3::Eigen INTERFACE IMPORTED)
  set_target_properties(Eigen3::Eigen PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_prefix}/include/eigen3")
endif()
set(EIGEN3_FOUND 1)
set(EIGEN3_VERSION_STRING "VERSION")
set(EIGEN3_ROOT_DIR "${_prefix}")
set(EIGEN3_INCLUDE_DIR "${_prefix}/include/eigen3")
set(EIGEN3_INCLUDE_DIRS "${EIGEN3_INCLUDE_DIR}")
"""
VERSION_FOR_CMAKE = """\
set(PACKAGE_VERSION "VERSION")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
"""
FOR_PKG_CONFIG = """\
prefix=PREFIX

Name: Eigen3
Description: A C++ template library for linear algebra: vectors, matrices, and related algorithms
Version: VERSION
Cflags: -I${prefix}/include/eigen3
"""


def check() -> None:
    """The numbers they calculate with are chosen at random, here always the same."""
    for name in TESTS:
        words = (
            "-O1",
            "-I.",
            f"-DEIGEN_TEST_FUNC={name}",
            "-DEIGEN_TEST_PART_ALL=1",
            "-DEIGEN_TEST_MAX_SIZE=50",
        )
        invoke("g++", *words, f"test/{name}.cpp", "-o", f"test-{name}")
        invoke(f"./test-{name}", "r10", "s1")


def install(*, outputs: dict[str, Path], version: str) -> None:
    out = outputs["out"]
    headers = mkdir_p(out / "include/eigen3")
    for name in ("Eigen", "unsupported/Eigen"):
        mkdir_p((headers / name).parent)
        copy_recursively(name, headers / name)
        for left in (headers / name).rglob("CMakeLists.txt"):
            left.unlink()
    (headers / "signature_of_eigen3_matrix_library").touch()
    for folder, name, text in (
        ("share/eigen3/cmake", "Eigen3Config.cmake", FOR_CMAKE),
        ("share/eigen3/cmake", "Eigen3ConfigVersion.cmake", VERSION_FOR_CMAKE),
        ("share/pkgconfig", "eigen3.pc", FOR_PKG_CONFIG),
    ):
        filled = (
            text.replace("VERSION", version)
            if name.endswith(".pc")
            else text.replace('"VERSION"', f'"{version}"')
        )
        (mkdir_p(out / folder) / name).write_text(filled.replace("PREFIX", str(out)), encoding="utf-8")


eigen = Package(
    name="eigen",
    version="3.4.0",
    source=lambda p: Origin(
        uri=(
            f"https://gitlab.com/libeigen/eigen/-/archive/{p.version}/eigen-{p.version}.tar.bz2",
            f"debian://pool/main/e/eigen3/eigen3_{p.version}.orig.tar.bz2",
        ),
        file_name=f"eigen-{p.version}.tar.bz2",
        sha256="b4c198460eba6f28d34894e3a5710998818515104d6e74e5cc331ce31e46e626",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.delete("configure", "build")
        .replace("check", check)
        .replace("install", install),
    },
    synopsis="Linear algebra in C++, as templates",
    description=(
        "Eigen is a library of C++ headers for vectors, matrices dense and sparse, their decompositions and "
        "the solution of linear systems. Expressions are put together when they are compiled, and use the "
        "vector instructions of the processor."
    ),
    home_page="https://eigen.tuxfamily.org/",
    license=(licenses.mpl2_0, licenses.bsd_3, licenses.apache2, licenses.lgpl2_1_plus),
)
