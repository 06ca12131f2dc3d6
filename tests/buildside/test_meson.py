"""The phases of meson on a library and a program that uses it, by this machine's Meson."""

import configparser
import shutil
from pathlib import Path

import pytest

from larix.buildside import gnu
from larix.buildside.elf import read_elf
from larix.buildside.meson import cross_file, meson_phases, standard_phases
from projects import build, run, write

pytestmark = pytest.mark.slow
MESON = shutil.which("meson")
needs_meson = pytest.mark.skipif(
    MESON is None or not shutil.which("ninja") or not shutil.which("gcc"), reason="needs meson, ninja and gcc"
)

LISTS = """project('greet', 'c', version: '1.0')
greeting = shared_library('greeting', 'greeting.c', install: true)
greet = executable('greet', 'main.c', link_with: greeting, install: true)
test('says hello', greet)
test('is told to fail', greet, args: ['@argument@'])
"""
FILES = {
    "meson.build": LISTS.replace("@argument@", "well"),
    "greeting.c": 'const char *greeting(void) { return "hello"; }\n',
    "main.c": """#include <stdio.h>
#include <string.h>
const char *greeting(void);
int main(int count, char **words) {
  puts(greeting());
  return count > 1 && !strcmp(words[1], "fail");
}
""",
}


def meson_build(source: Path, work: Path, **given: object):
    assert MESON is not None
    return build("meson", source, work, toolchain=["/usr", str(Path(MESON).parents[1])], **given)


@needs_meson
def test_project_is_configured_built_tested_and_installed(tmp_path):
    built = meson_build(write(tmp_path / "greet", FILES), tmp_path / "work")
    assert built.succeeded, built.log
    assert run(built.out / "bin" / "greet") == "hello\n"
    assert [line.split()[-1] for line in built.log.splitlines() if line.startswith("Ok:")] == ["2"]
    elf = read_elf(built.out / "bin" / "greet")
    assert elf is not None
    assert elf.runpath == (f"{built.out}/lib",)


@needs_meson
def test_failing_test_fails_the_build_with_its_output(tmp_path):
    files = {**FILES, "meson.build": LISTS.replace("@argument@", "fail")}
    built = meson_build(write(tmp_path / "greet", files), tmp_path / "work")
    assert not built.succeeded
    assert built.phases()[-1] == "check"
    assert "is told to fail" in built.log


@needs_meson
def test_flags_reach_meson_ninja_and_the_tests(tmp_path):
    flags = {"configure_flags": ["-Dbindir=programs"], "build_flags": ["-k0"], "test_flags": ["says hello"]}
    built = meson_build(write(tmp_path / "greet", FILES), tmp_path / "work", **flags)
    assert built.succeeded, built.log
    assert (built.out / "programs" / "greet").exists()
    assert [line.split()[-1] for line in built.log.splitlines() if line.startswith("Ok:")] == ["1"]


@needs_meson
def test_outputs_apart_get_their_parts(tmp_path):
    outputs = {name: str(tmp_path / "work" / name) for name in ("out", "lib")}
    built = meson_build(write(tmp_path / "greet", FILES), tmp_path / "work", outputs=outputs)
    assert built.succeeded, built.log
    assert (tmp_path / "work" / "lib" / "lib" / "libgreeting.so").exists()


def test_cross_file_names_the_tools_and_the_machine():
    parser = configparser.ConfigParser()
    parser.read_string(cross_file("aarch64-linux-gnu"))
    assert parser["binaries"]["c"] == "'aarch64-linux-gnu-gcc'"
    assert parser["host_machine"]["cpu_family"] == "'aarch64'"
    assert "'x86'" in cross_file("i686-linux-gnu")


def test_phases_are_those_of_gnu_without_bootstrap():
    assert meson_phases() == standard_phases
    assert standard_phases.names == gnu.standard_phases.delete("bootstrap").names
