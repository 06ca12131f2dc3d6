import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.buildside.elf import BadElf, is_elf, parse_elf, read_elf
from larix.buildside.runpath import RunpathError, missing_libraries, shrink_runpath, validate_runpath
from larix.buildside.strip import strip_file, strip_tree

needs_compiler = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("strip")), reason="needs gcc and strip"
)


def compile_c(file: Path, text: str, *flags: str) -> Path:
    source = file.with_suffix(".c")
    source.write_text(text)
    subprocess.run(["gcc", "-o", str(file), str(source), *flags], check=True)
    return file


@pytest.fixture(scope="module")
def linked(tmp_path_factory) -> Path:
    """A program of a library in one directory, with a second directory it does not need."""
    top = tmp_path_factory.mktemp("linked")
    (top / "1lib").mkdir()
    (top / "2_lib").mkdir()
    compile_c(
        top / "1lib" / "libone.so", "int one(void){return 1;}", "-shared", "-fPIC", "-Wl,-soname,libone.so"
    )
    flags = ["-L", str(top / "1lib"), "-lone", f"-Wl,-rpath,{top}/2_lib", f"-Wl,-rpath,{top}/1lib"]
    compile_c(top / "main", "int one(void); int main(){return one()-1;}", *flags, "-Wl,--enable-new-dtags")
    return top


@needs_compiler
def test_program_tells_its_loader_needs_and_runpath(linked: Path):
    elf = read_elf(linked / "main")
    assert elf is not None
    assert "libone.so" in elf.needed
    assert elf.runpath == (f"{linked}/2_lib", f"{linked}/1lib")
    assert elf.interpreter is not None
    assert "ld-" in elf.interpreter
    library = read_elf(linked / "1lib" / "libone.so")
    assert library is not None
    assert (library.type, library.soname, library.interpreter) == ("shared", "libone.so", None)


def test_other_files_are_no_elf(tmp_path: Path):
    (tmp_path / "text").write_text("#!/bin/sh\n")
    (tmp_path / "link").symlink_to("/proc/self/exe")
    assert read_elf(tmp_path / "text") is None
    assert not is_elf(tmp_path / "text")
    assert not is_elf(tmp_path / "link")


@needs_compiler
@given(st.data())
def test_damaged_file_gives_a_value_or_the_modules_own_error(linked: Path, data):
    whole = bytearray((linked / "main").read_bytes()[:4096])
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(4, 1200))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    with contextlib.suppress(BadElf):
        parse_elf(bytes(whole[:cut]))


@needs_compiler
def test_program_with_all_its_libraries_in_its_runpath_is_valid(linked: Path):
    libc = subprocess.check_output(["gcc", "-print-file-name=libc.so.6"], text=True).strip()
    host = f"-Wl,-rpath,{os.path.dirname(os.path.realpath(libc))}"
    (linked / "valid").mkdir()
    flags = ["-L", str(linked / "1lib"), "-lone", f"-Wl,-rpath,{linked}/1lib", host]
    compile_c(linked / "valid" / "m", "int one(void); int main(){return one();}", *flags)
    (linked / "valid" / "m.c").unlink()
    assert validate_runpath([linked / "valid"]) == 1


@needs_compiler
def test_library_found_nowhere_is_told_with_the_file_and_where_it_looked(linked: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "m"
    compile_c(program, "int one(void); int main(){return one();}", "-L", str(linked / "1lib"), "-lone")
    elf = read_elf(program)
    assert elf is not None
    assert "libone.so" in missing_libraries(program, elf)
    with pytest.raises(RunpathError, match=r"m: .*libone\.so.* found in no directory of its RUNPATH"):
        validate_runpath([tmp_path])


@needs_compiler
def test_shrunk_runpath_has_only_what_is_needed_and_the_program_still_runs(linked: Path, tmp_path: Path):
    program = tmp_path / "main"
    shutil.copy(linked / "main", program)
    program.chmod(0o555)
    os.utime(program, (9, 9))
    size = program.stat().st_size
    assert shrink_runpath(program)
    elf = read_elf(program)
    assert elf is not None
    assert elf.runpath == (f"{linked}/1lib",)
    assert f"{linked}/2_lib".encode() not in program.read_bytes()
    assert (program.stat().st_size, program.stat().st_mtime, program.stat().st_mode & 0o777) == (
        size,
        9,
        0o555,
    )
    assert subprocess.run([program], check=False).returncode == 0
    assert not shrink_runpath(program)


@needs_compiler
def test_runpath_that_a_symbol_shares_its_tail_with_is_left_alone(linked: Path, tmp_path: Path):
    tail = "_lib"  # the end of the text
    flags = [
        "-shared",
        "-fPIC",
        f"-Wl,-rpath,{linked}/1lib:{linked}/2_lib",
        "-L",
        str(linked / "1lib"),
        "-lone",
    ]
    library = compile_c(tmp_path / "lib.so", f"int {tail}(void){{return 2;}}", *flags)
    before = library.read_bytes()
    changed = shrink_runpath(library)
    symbols = subprocess.check_output(["nm", "-D", library], text=True)
    assert f" T {tail}\n" in symbols
    if changed:
        pytest.skip("this linker does not merge the tails of strings")
    assert library.read_bytes() == before


@needs_compiler
def test_strip_takes_debugging_information_out_and_keeps_the_mode(tmp_path: Path):
    (tmp_path / "out" / "bin").mkdir(parents=True)
    program = compile_c(tmp_path / "out" / "bin" / "m", "int main(){return 0;}", "-g")
    (tmp_path / "out" / "bin" / "script").write_text("#!/bin/sh\n")
    (tmp_path / "out" / "bin" / "twin").hardlink_to(program)
    program.chmod(0o555)
    size = program.stat().st_size
    assert strip_tree(tmp_path / "out", ["bin", "lib"]) == 1
    assert program.stat().st_size < size
    assert program.stat().st_mode & 0o777 == 0o555
    assert subprocess.run([program], check=False).returncode == 0


@needs_compiler
def test_debug_output_gets_what_was_taken_out(tmp_path: Path):
    (tmp_path / "out" / "bin").mkdir(parents=True)
    program = compile_c(tmp_path / "out" / "bin" / "m", "int main(){return 0;}", "-g")
    strip_tree(tmp_path / "out", ["bin"], debug=tmp_path / "debug")
    kept = tmp_path / "debug" / "lib" / "debug" / f"{str(program).lstrip('/')}.debug"
    assert b".debug_info" in kept.read_bytes()
    assert b".gnu_debuglink" in program.read_bytes()


@needs_compiler
def test_archives_come_out_without_dates_and_still_link(tmp_path: Path):
    compile_c(tmp_path / "a.o", "int a(void){return 3;}", "-c", "-g")
    subprocess.run(["ar", "crU", tmp_path / "liba.a", tmp_path / "a.o"], check=True)
    assert strip_file(tmp_path / "liba.a")
    first = (tmp_path / "liba.a").read_bytes()
    os.utime(tmp_path / "a.o", (5, 5))
    (tmp_path / "liba.a").unlink()
    subprocess.run(["ar", "crU", tmp_path / "liba.a", tmp_path / "a.o"], check=True)
    strip_file(tmp_path / "liba.a")
    assert (tmp_path / "liba.a").read_bytes() == first
    compile_c(tmp_path / "use", "int a(void); int main(){return a()-3;}", "-L", str(tmp_path), "-la")
    assert subprocess.run([tmp_path / "use"], check=False).returncode == 0


def test_text_is_not_stripped(tmp_path: Path):
    (tmp_path / "f").write_text("hello")
    assert not strip_file(tmp_path / "f")
