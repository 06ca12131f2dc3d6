"""The phases of cmake on a library and a program that uses it, by this machine's CMake."""

import shutil

import pytest

from larix.buildside import gnu
from larix.buildside.cmake import cmake_definitions, cmake_phases, standard_phases
from larix.buildside.elf import read_elf
from projects import build, run, write

pytestmark = pytest.mark.slow
needs_cmake = pytest.mark.skipif(
    not all(map(shutil.which, ("cmake", "ctest", "gcc", "make"))), reason="needs cmake, gcc and make"
)

LISTS = """cmake_minimum_required(VERSION 3.15)
project(greet C)
include(GNUInstallDirs)
include(CTest)
add_library(greeting SHARED greeting.c)
add_executable(greet main.c)
target_link_libraries(greet greeting)
install(TARGETS greet greeting)
install(FILES greeting.h TYPE INCLUDE)
if(BUILD_TESTING)
  add_test(NAME says-hello COMMAND greet)
  set_tests_properties(says-hello PROPERTIES PASS_REGULAR_EXPRESSION "@expected@")
  add_test(NAME needs-network COMMAND false)
endif()
"""
FILES = {
    "CMakeLists.txt": LISTS.replace("@expected@", "^hello"),
    "greeting.h": "const char *greeting(void);\n",
    "greeting.c": '#include "greeting.h"\nconst char *greeting(void) { return "hello"; }\n',
    "main.c": '#include <stdio.h>\n#include "greeting.h"\nint main(void) { puts(greeting()); return 0; }\n',
    "COPYING": "GPL\n",
}
EXCLUDED = {"test_exclude": "needs-network"}


@needs_cmake
def test_project_is_configured_built_tested_and_installed(tmp_path):
    built = build("cmake", write(tmp_path / "greet", FILES), tmp_path / "work", **EXCLUDED)
    assert built.succeeded, built.log
    assert run(built.out / "bin" / "greet") == "hello\n"
    assert (built.out / "include" / "greeting.h").is_file()
    assert "100% tests passed" in built.log
    assert (built.out / "share" / "doc" / "greet-1.0" / "COPYING").is_file()
    elf = read_elf(built.out / "bin" / "greet")
    assert elf is not None
    assert elf.runpath == (f"{built.out}/lib",), "the build directory is gone from it"


@needs_cmake
@pytest.mark.skipif(not shutil.which("ninja"), reason="needs ninja")
def test_ninja_builds_as_well(tmp_path):
    source = write(tmp_path / "greet", FILES)
    built = build("cmake", source, tmp_path / "work", generator="Ninja", **EXCLUDED)
    assert built.succeeded, built.log
    assert run(built.out / "bin" / "greet") == "hello\n"


@needs_cmake
def test_failing_test_fails_the_build_with_its_output(tmp_path):
    files = {**FILES, "CMakeLists.txt": LISTS.replace("@expected@", "^goodbye")}
    built = build("cmake", write(tmp_path / "greet", files), tmp_path / "work", **EXCLUDED)
    assert not built.succeeded
    assert built.phases()[-1] == "check"
    assert "hello" in built.log[built.log.index("phase-start check") :]
    assert not built.out.exists()


@needs_cmake
def test_suite_without_tests_is_an_error(tmp_path):
    built = build("cmake", write(tmp_path / "greet", FILES), tmp_path / "work", test_exclude=".")
    assert not built.succeeded
    assert "ctest" in built.error


@needs_cmake
def test_build_without_tests_builds_none(tmp_path):
    built = build("cmake", write(tmp_path / "greet", FILES), tmp_path / "work", tests=False)
    assert built.succeeded, built.log
    assert "-DBUILD_TESTING=OFF" in built.commands()[0]
    assert "not run: `tests` is false" in built.log


@needs_cmake
def test_outputs_apart_get_their_parts(tmp_path):
    names = ("out", "lib", "include")
    outputs = {name: str(tmp_path / "work" / name) for name in names}
    built = build("cmake", write(tmp_path / "greet", FILES), tmp_path / "work", outputs=outputs, **EXCLUDED)
    assert built.succeeded, built.log
    assert (tmp_path / "work" / "lib" / "lib" / "libgreeting.so").exists()
    assert (tmp_path / "work" / "include" / "include" / "greeting.h").exists()
    assert run(built.out / "bin" / "greet") == "hello\n"


@needs_cmake
def test_flags_of_the_package_have_the_last_word(tmp_path):
    flags = ["-DCMAKE_INSTALL_BINDIR=programs", "-DCMAKE_BUILD_TYPE=Debug"]
    built = build(
        "cmake", write(tmp_path / "greet", FILES), tmp_path / "work", configure_flags=flags, **EXCLUDED
    )
    assert built.succeeded, built.log
    assert (built.out / "programs" / "greet").exists()


def test_definitions_name_the_outputs(tmp_path):
    found = cmake_definitions({"out": tmp_path, "doc": tmp_path / "doc"}, build_type="Release")
    assert found["CMAKE_INSTALL_PREFIX"] == str(tmp_path)
    assert found["CMAKE_INSTALL_RPATH"] == f"{tmp_path}/lib"
    assert found["CMAKE_INSTALL_DOCDIR"] == f"{tmp_path}/doc/share/doc"
    assert found["CMAKE_BUILD_TYPE"] == "Release"


def test_phases_are_those_of_gnu_without_bootstrap():
    assert cmake_phases() == standard_phases
    assert standard_phases.names == gnu.standard_phases.delete("bootstrap").names
