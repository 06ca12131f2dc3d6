"""The linker of `ld-wrapper`: what it adds to a command line. A program in the linker's place shows it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from larixpkgs.packages.gcc_toolchain import LD


class Linker:
    """The script, made for a store in `folder`, with the host's tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        linker = folder / "linker"
        linker.write_text('#!/bin/sh\nfor each in "$@"; do echo "$each"; done\n')
        linker.chmod(0o755)
        text = LD
        tools = {name: shutil.which(name.lower()) for name in ("XARGS", "PRINTF", "REALPATH")}
        for name, value in {
            "SHELL": "/bin/bash",
            "LINKER": linker,
            "SEED": self.store / "seed",
            **tools,
        }.items():
            text = text.replace(f"@{name}@", str(value))
        self.script = folder / "ld"
        self.script.write_text(text.replace("@STORE@", str(self.store)))
        self.script.chmod(0o755)

    def library(self, item: str, name: str) -> Path:
        """Make a shared library in the store, and a link to it as profiles have; the folder of the link."""
        file = self.store / item / "lib" / f"lib{name}.so.1"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        folder = self.folder / "profile" / "lib"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"lib{name}.so").symlink_to(file)
        return folder

    def __call__(self, *words: str, **variables: str) -> list[str]:
        done = subprocess.run(
            [self.script, *words],
            env={"PATH": os.environ["PATH"]} | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert not done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def linker(tmp_path: Path) -> Linker:
    if not os.path.exists("/bin/bash"):
        pytest.skip("no /bin/bash")
    return Linker(tmp_path)


def test_directories_of_libraries_of_the_store_come_first(linker: Linker) -> None:
    folder = linker.library("z-1", "z")
    linker.library("y-1", "y")
    words = [f"-L{folder}", "a.o", "-lz", "-ly", "-lz", "-o", "a"]
    places = ["-rpath", f"{linker.store}/z-1/lib", "-rpath", f"{linker.store}/y-1/lib"]
    assert linker(*words) == [*places, *words]
    words = ["-L", str(folder), "a.o", f"{folder}/libz.so"]
    assert linker(*words) == [*places[:2], *words]


def test_what_is_elsewhere_or_the_compilers_own_is_left_alone(linker: Linker) -> None:
    folder = linker.library("seed", "c")
    elsewhere = linker.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "libe.so").write_text("")
    words = [f"-L{folder}", f"-L{elsewhere}", "-lc", "-le", "-lnowhere", "a.o"]
    assert linker(*words) == words


def test_the_first_directory_that_has_a_library_counts(linker: Linker) -> None:
    folder = linker.library("z-1", "z")
    first = linker.folder / "first"
    first.mkdir()
    (first / "libz.a").write_text("")
    words = [f"-L{first}", f"-L{folder}", "-lz"]
    assert linker(*words) == words


def test_words_of_other_options_are_no_files(linker: Linker) -> None:
    folder = linker.library("z-1", "z")
    words = ["-soname", f"{folder}/libz.so", "-o", f"{folder}/libz.so", "a.o"]
    assert linker(*words) == words


def test_long_command_lines_come_in_files(linker: Linker) -> None:
    folder = linker.library("z-1", "z")
    (linker.folder / "words").write_text(f"-L{folder}\n'-lz' \"a b.o\"\n")
    assert linker("@words") == ["-rpath", f"{linker.store}/z-1/lib", "@words"]


@pytest.mark.parametrize("word", ["-r", "-static"])
def test_nothing_is_added_where_nothing_is_looked_for_at_run_time(linker: Linker, word: str) -> None:
    folder = linker.library("z-1", "z")
    words = [word, f"-L{folder}", "-lz"]
    assert linker(*words) == words


def test_it_can_be_told_to_add_nothing(linker: Linker) -> None:
    folder = linker.library("z-1", "z")
    words = [f"-L{folder}", "-lz"]
    assert linker(*words, LARIX_LD_WRAPPER_DISABLE_RPATH="1") == words
