import io
import os
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from larix.buildside.files import find_files
from larix.buildside.pack import pack_tar_xz
from larix.buildside.unpack import UnpackError, source_directory, unpack


def make_tar(file: Path, members, mode="w") -> Path:
    with tarfile.open(file, mode) as tar:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.mtime = 1000
            info.mode = 0o4755 if name.endswith("run") else 0o600
            if kind == "dir":
                info.type = tarfile.DIRTYPE
            elif kind in {"sym", "hard"}:
                info.type = tarfile.SYMTYPE if kind == "sym" else tarfile.LNKTYPE
                info.linkname = data
            elif kind == "fifo":
                info.type = tarfile.FIFOTYPE
            else:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if kind == "file" else None)
    return file


GOOD = [
    ("hello-1.0", "dir", None),
    ("hello-1.0/run", "file", b"#!/bin/sh\n"),
    ("hello-1.0/src/a.c", "file", b"int a;\n"),
    ("hello-1.0/hard", "hard", "hello-1.0/run"),
    ("hello-1.0/link", "sym", "src/a.c"),
]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_of_each_compression_gives_the_files_with_their_times(tmp_path: Path, mode):
    unpack(make_tar(tmp_path / "hello.tar", GOOD, mode), tmp_path / "s")
    top = source_directory(tmp_path / "s")
    assert top.name == "hello-1.0"
    assert (top / "link").read_bytes() == b"int a;\n"
    assert (top / "hard").stat().st_ino == (top / "run").stat().st_ino
    assert stat.S_IMODE((top / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((top / "src" / "a.c").stat().st_mode) == 0o644
    assert (top / "src" / "a.c").stat().st_mtime == 1000
    assert top.stat().st_mtime == 1000


@pytest.mark.parametrize(("program", "ending"), [("zstd", "zst"), ("lzip", "lz")])
def test_tar_behind_an_outside_program_is_unpacked_or_asks_for_it(
    tmp_path: Path, program, ending, monkeypatch
):
    plain = make_tar(tmp_path / "hello.tar", GOOD)
    packed = tmp_path / f"hello.tar.{ending}"
    if shutil.which(program):
        assert os.system(f"{program} -q -c {plain} > {packed}") == 0
        unpack(packed, tmp_path / "s")
        assert (tmp_path / "s" / "hello-1.0" / "run").exists()
    packed.write_bytes({"zst": b"\x28\xb5\x2f\xfd", "lz": b"LZIP"}[ending] + bytes(20))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnpackError, match=f"it needs `{program}`, which is not among the inputs"):
        unpack(packed, tmp_path / "s2")


@pytest.mark.parametrize(
    "bad",
    [
        [("../evil", "file", b"x")],
        [("/tmp/evil", "file", b"x")],
        [("a/../../evil", "dir", None)],
        [("d", "sym", "/"), ("d/evil", "file", b"x")],
        [("d", "sym", ".."), ("d/e/evil", "file", b"x")],
        [("pipe", "fifo", None)],
        [("h", "hard", "../outside")],
        [("a/b", "file", b"x"), ("a", "file", b"y")],
    ],
)
def test_member_that_would_land_outside_or_is_strange_is_refused(tmp_path: Path, bad):
    (tmp_path / "outside").write_text("secret")
    before = sorted(each.name for each in tmp_path.iterdir())
    archive = make_tar(tmp_path / "bad.tar", bad)
    with pytest.raises(UnpackError, match=r"bad\.tar"):
        unpack(archive, tmp_path / "s")
    after = {each.name for each in tmp_path.iterdir()} - {"bad.tar", "s"}
    assert sorted(after) == before
    assert not os.path.exists("/tmp/evil")


def test_cut_off_archive_is_one_error(tmp_path: Path):
    whole = make_tar(tmp_path / "a.tar.gz", [("x", "file", os.urandom(5000))], "w:gz").read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole[:-2000])
    with pytest.raises(UnpackError):
        unpack(cut, tmp_path / "s")


def test_zip_keeps_modes_links_and_times(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        run = zipfile.ZipInfo("top/run", (2001, 9, 9, 1, 46, 40))
        run.external_attr = 0o100755 << 16
        archive.writestr(run, "x")
        link = zipfile.ZipInfo("top/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "run")
    unpack(tmp_path / "a.zip", tmp_path / "s")
    top = source_directory(tmp_path / "s")
    assert os.readlink(top / "link") == "run"
    assert os.access(top / "run", os.X_OK)
    assert (top / "run").stat().st_mtime == 1000000000


def test_zip_member_outside_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(UnpackError, match="outside"):
        unpack(tmp_path / "a.zip", tmp_path / "s")


def test_plain_file_is_copied_under_its_name_without_the_hash(tmp_path: Path):
    source = tmp_path / f"{'0' * 32}-script.py"
    source.write_text("x")
    unpack(source, tmp_path / "s")
    assert (tmp_path / "s" / "script.py").read_text() == "x"


def test_directory_is_copied_writable(tmp_path: Path):
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "sub" / "f").write_text("x")
    (tmp_path / "d" / "sub" / "f").chmod(0o444)
    unpack(tmp_path / "d", tmp_path / "s")
    assert stat.S_IMODE((tmp_path / "s" / "sub" / "f").stat().st_mode) == 0o644


def test_packing_the_same_files_gives_the_same_bytes_and_unpacks_again(tmp_path: Path):
    for copy, when in (("one", 5), ("two", 99)):
        top = tmp_path / copy
        (top / "b" / "c").mkdir(parents=True)
        (top / "b-1").write_text("1")
        (top / "b" / "f").write_text("f")
        (top / "b" / "f").chmod(0o700)
        (top / "b" / "twin").hardlink_to(top / "b" / "f")
        (top / "l").symlink_to("b/f")
        os.utime(top / "b" / "f", (when, when))
        pack_tar_xz(top, tmp_path / f"{copy}.tar.xz", top="x-1.0")
    assert (tmp_path / "one.tar.xz").read_bytes() == (tmp_path / "two.tar.xz").read_bytes()
    unpack(tmp_path / "one.tar.xz", tmp_path / "s")
    found = [str(f.relative_to(tmp_path / "s")) for f in find_files(tmp_path / "s")]
    assert found == ["x-1.0/b-1", "x-1.0/b/f", "x-1.0/b/twin", "x-1.0/l"]
    assert (tmp_path / "s" / "x-1.0" / "b" / "twin").read_text() == "f"
