import gzip
import lzma
import shutil
import subprocess

import pytest

from larix.buildside.kinds import (
    compressor_for,
    has_magic,
    is_ar_file,
    is_directory,
    is_elf_file,
    is_executable_file,
    is_gzip_file,
    is_png_file,
    is_symbolic_link,
    is_tarball,
    xz_parallel_arguments,
)


@pytest.mark.parametrize(
    ("name", "program", "is_archive"),
    [
        ("a.tar.gz", "gzip", True),
        ("a.tgz", "gzip", True),
        ("a.tar.xz", "xz", True),
        ("/x.y/a.tar.zst", "zstd", True),
        ("a.tar.lz", "lzip", True),
        ("a.tar", None, True),
        ("a.txt.gz", "gzip", False),
        ("a.tar.txt", None, False),
        ("xz", None, False),
        ("tar", None, False),
    ],
)
def test_names_tell_compressors_and_archives(name, program, is_archive):
    if name != "xz":
        assert compressor_for(name) == program
    assert is_tarball(name) == is_archive


def test_first_bytes_tell_kinds(tmp_path):
    kinds = {
        is_png_file: b"\x89PNG\r\n\x1a\nIHDR",
        is_elf_file: b"\x7fELF\x02",
        is_ar_file: b"!<arch>\n/",
        is_gzip_file: gzip.compress(b"x"),
        has_magic(b"%PDF"): b"%PDF-1.7",
    }
    for number, (is_kind, contents) in enumerate(kinds.items()):
        file = tmp_path / str(number)
        file.write_bytes(contents)
        assert [each(file) for each in kinds] == [each is is_kind for each in kinds]
    assert not is_png_file(tmp_path)
    assert not is_png_file(tmp_path / "missing")
    (tmp_path / "empty").write_bytes(b"")
    assert not is_gzip_file(tmp_path / "empty")


def test_file_system_tells_kinds(tmp_path):
    program = tmp_path / "program"
    program.write_text("")
    assert not is_executable_file(program)
    program.chmod(0o755)
    (tmp_path / "link").symlink_to("program")
    (tmp_path / "folder").symlink_to(".")
    assert is_executable_file(program)
    assert is_executable_file(tmp_path / "link")
    assert is_symbolic_link(tmp_path / "link")
    assert not is_symbolic_link(program)
    assert is_directory(tmp_path / "folder")
    assert not is_directory(program)
    assert not is_executable_file(tmp_path)
    assert not is_executable_file(tmp_path / "missing")
    assert not is_executable_file(program / "below")


@pytest.mark.skipif(not shutil.which("xz"), reason="needs xz")
def test_xz_gives_the_same_bytes_with_any_number_of_cores(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 4000)
    results = set()
    for cores in ("1", "2", "3"):
        monkeypatch.setenv("LARIX_BUILD_CORES", cores)
        command = ["xz", "--stdout", *xz_parallel_arguments(), str(file)]
        results.add(subprocess.run(command, check=True, capture_output=True).stdout)
    (result,) = results
    assert lzma.decompress(result) == file.read_bytes()
