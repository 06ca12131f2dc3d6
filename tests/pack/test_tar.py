from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from larix.pack.compression import method
from larix.pack.entries import File, Folder, HardLink, Link
from larix.pack.errors import BadPack
from larix.pack.stream import Stream, Workers
from larix.pack.tar import file_header, header_size, tar_end, tar_size, write_entries
from packs import LIBRARY, LONG, PROGRAM, PackShop


def written(folder: Path, entries: list[File | Folder | HardLink | Link]) -> bytes:
    file = folder / "archive"
    with open(file, "wb") as sink, Workers(1) as workers:
        stream = Stream(sink.fileno(), method("none"), workers)
        write_entries(stream, entries)
        assert stream.size == tar_size(entries)
        stream.write_zeros(tar_end(stream.size))
        stream.close()
    return file.read_bytes()


ENTRIES: list[File | Folder | HardLink | Link] = [
    Folder(b"a"),
    Folder(b"t", 0o1777),
    File(b"a/file", 5, contents=b"12345"),
    File(b"a/program", 600, executable=True, contents=b"x" * 600),
    HardLink(b"a/other", b"a/program"),
    Link(b"a/link", b"file"),
    File(b"a/" + b"n" * 300, 1, contents=b"y"),
    Link(b"a/" + b"l" * 101, b"t" * 255),
    File(b"\xff\xfe", 0),
]


def test_archives_are_read_by_others(tmp_path: Path) -> None:
    archive = written(tmp_path, ENTRIES)
    assert len(archive) % 10240 == 0
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:", errorlevel=2) as tar:
        members = tar.getmembers()
        assert [member.name.encode("utf-8", "surrogateescape") for member in members] == [
            entry.name for entry in ENTRIES
        ]
        assert {(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members} == {
            (0, 0, "root", "root", 1)
        }
        contents = [
            handle.read() for member in members if member.isreg() and (handle := tar.extractfile(member))
        ]
        assert contents == [b"12345", b"x" * 600, b"y", b""]
        modes = {member.name: member.mode for member in members[:5]}
        assert modes == {"a": 0o755, "t": 0o1777, "a/file": 0o444, "a/program": 0o555, "a/other": 0o555}
        assert members[4].islnk()
        assert members[4].linkname == "a/program"
        assert members[7].linkname == "t" * 255


def test_files_of_any_size_have_a_header() -> None:
    for size in (0, 8**11 - 1, 8**11, 1 << 60):
        header = file_header(b"big", size)
        assert len(header) == 512 == header_size(File(b"big", size))
        assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == size


def test_a_closure_is_packed_with_the_folders_around_it(shop: PackShop, inside: str) -> None:
    pack = shop.pack(shop.options("tarball", links=(("/opt/bin", "bin"), ("/all", ""))))
    with tarfile.open(pack) as tar:
        names = tar.getnames()
        assert names[: inside.count("/") + 1] == [
            "/".join(inside.split("/")[: count + 1]) for count in range(inside.count("/") + 1)
        ]
        assert f"{inside}/{LIBRARY}/share/{LONG}/{LONG}" in names
        assert tar.getmember("opt/bin").linkname == f"{shop.closure.store_dir}/{'2' * 32}-profile/bin"
        assert tar.getmember("all").linkname == f"{shop.closure.store_dir}/{'2' * 32}-profile"
        assert tar.getmember("opt").isdir()
        program = tar.extractfile(f"{inside}/{PROGRAM}/bin/hello")
        assert program is not None
        assert b"echo hello" in program.read()
    assert len(names) == len(set(names))


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"123456")
    for size in (5, 7):
        with pytest.raises(BadPack, match="changed while it was packed"):
            written(tmp_path, [File(b"file", size, file=bytes(file))])
