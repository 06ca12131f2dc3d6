"""Packages are made here byte by byte: `ar` around a tar, as `dpkg-deb` writes them."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.builder.builtins.unpack_debs import BadDebianPackage, unpack_debs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def member(name: str, contents: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(contents):<10}`\n".encode()
    return header + contents + b"\n" * (len(contents) % 2)


def entry(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.mode = mode
    info.mtime = 1_700_000_000
    info.uid = 12
    return info


def data_tar(entries: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w:xz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for info, contents in entries:
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
    return packed.getvalue()


def deb(
    path: Path,
    entries: Iterable[tuple[tarfile.TarInfo, bytes]],
    *,
    name: str = "data.tar.xz",
    mode: str = "w:xz",
) -> str:
    path.write_bytes(
        b"!<arch>\n"
        + member("debian-binary", b"2.0\n")
        + member("control.tar.xz", b"odd")
        + member(name, data_tar(entries, mode))
    )
    return str(path)


def file(name: str, contents: bytes = b"x", *, mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, mode=mode), contents


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, kind=tarfile.DIRTYPE, mode=0o755), b""


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, kind=tarfile.SYMTYPE, link=target), b""


@pytest.mark.parametrize(
    ("name", "mode"),
    [("data.tar.xz", "w:xz"), ("data.tar.gz", "w:gz"), ("data.tar.bz2", "w:bz2"), ("data.tar", "w")],
)
def test_usr_is_merged_whatever_the_compression(tmp_path: Path, name: str, mode: str) -> None:
    one = deb(tmp_path / "a.deb", [folder("./usr/bin"), file("./usr/bin/gcc", b"gcc")], name=name, mode=mode)
    two = deb(
        tmp_path / "b.deb", [file("./bin/bash", b"bash"), file("./sbin/init", b"i")], name=name, mode=mode
    )
    unpack_debs(str(tmp_path / "out"), [one, two])
    assert sorted(os.listdir(tmp_path / "out")) == ["bin", "usr"]
    assert sorted(os.listdir(tmp_path / "out/bin")) == ["bash", "gcc", "init"]
    assert os.readlink(tmp_path / "out/usr") == "."
    assert (tmp_path / "out/usr/bin/bash").read_bytes() == b"bash"


def test_modes_tell_executables_alone(tmp_path: Path) -> None:
    one = deb(tmp_path / "a.deb", [file("./bin/su", mode=0o4755), file("./lib/x", mode=0o600)])
    unpack_debs(str(tmp_path / "out"), [one])
    assert stat.S_IMODE((tmp_path / "out/bin/su").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "out/lib/x").stat().st_mode) == 0o644


def test_links_point_to_where_their_targets_went(tmp_path: Path) -> None:
    one = deb(
        tmp_path / "a.deb",
        [
            file("./lib/x86_64-linux-gnu/libz.so.1", b"z"),
            link("./usr/lib/x86_64-linux-gnu/libz.so", "/lib/x86_64-linux-gnu/libz.so.1"),
            link("./usr/lib/gcc/libz.so", "../../../lib/x86_64-linux-gnu/libz.so.1"),
            link("./lib64/libz.so.0", "/lib/x86_64-linux-gnu/libz.so.1"),
        ],
    )
    unpack_debs(str(tmp_path / "out"), [one])
    libraries = tmp_path / "out/lib/x86_64-linux-gnu"
    assert os.readlink(libraries / "libz.so") == "libz.so.1"
    assert os.readlink(libraries / "libz.so.0") == "libz.so.1"
    assert os.readlink(tmp_path / "out/lib/gcc/libz.so") == "../x86_64-linux-gnu/libz.so.1"


def test_a_link_that_merging_makes_its_own_target_is_left_out(tmp_path: Path) -> None:
    one = deb(
        tmp_path / "a.deb",
        [
            link("./lib64/ld.so", "/lib/x86_64-linux-gnu/ld.so"),
            file("./lib/x86_64-linux-gnu/ld.so", b"loader"),
        ],
    )
    unpack_debs(str(tmp_path / "out"), [one])
    assert (tmp_path / "out/lib/x86_64-linux-gnu/ld.so").read_bytes() == b"loader"


def test_what_is_skipped_takes_links_to_it_along(tmp_path: Path) -> None:
    one = deb(
        tmp_path / "a.deb",
        [
            file("./usr/share/doc/a/README"),
            file("./usr/share/docbook"),
            link("./usr/share/x", "/etc/x"),
            file("./etc/x"),
        ],
    )
    unpack_debs(str(tmp_path / "out"), [one], ["etc", "usr/share/doc"])
    assert sorted(os.listdir(tmp_path / "out")) == ["share", "usr"]
    assert os.listdir(tmp_path / "out/share") == ["docbook"]


def test_a_hard_link_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    hard = entry("./bin/gunzip", kind=tarfile.LNKTYPE, link="./bin/gzip")
    one = deb(tmp_path / "a.deb", [file("./bin/gzip", b"gz", mode=0o755), (hard, b"")])
    unpack_debs(str(tmp_path / "out"), [one])
    status = (tmp_path / "out/bin/gunzip").stat()
    assert (tmp_path / "out/bin/gunzip").read_bytes() == b"gz"
    assert (status.st_nlink, stat.S_IMODE(status.st_mode)) == (1, 0o755)


@given(st.permutations([0, 1, 2]))
def test_the_order_of_the_packages_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    where = tmp_path_factory.mktemp("debs")
    debs = [
        deb(where / "a.deb", [file("./usr/bin/a"), link("./usr/bin/b", "a"), folder("./lib")]),
        deb(where / "b.deb", [file("./lib/x"), link("./usr/lib/y", "/lib/x")]),
        deb(where / "c.deb", [folder("./usr/lib"), link("./bin/c", "/usr/bin/a")]),
    ]
    unpack_debs(str(where / "out"), [debs[index] for index in order])
    seen = {
        os.path.relpath(os.path.join(base, name), where / "out"): (
            os.readlink(path) if os.path.islink(path := os.path.join(base, name)) else ""
        )
        for base, folders, files in os.walk(where / "out")
        for name in folders + files
    }
    assert seen == {
        "bin": "",
        "lib": "",
        "usr": ".",
        "bin/a": "",
        "bin/b": "a",
        "bin/c": "a",
        "lib/x": "",
        "lib/y": "x",
    }


def bad(path: Path, contents: bytes) -> str:
    path.write_bytes(contents)
    return str(path)


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "not an `ar` archive"),
        (b"!<arch>\n", "no member `data.tar`"),
        (b"!<arch>\n" + member("debian-binary", b"2.0\n"), "no member `data.tar`"),
        (b"!<arch>\n" + member("debian-binary", b"2.0\n")[:30], "damaged `ar` header"),
        (b"!<arch>\n" + b"x" * 60, "damaged `ar` header"),
        (b"!<arch>\n" + member("data.tar.zst", b"x"), "`data.tar.zst`, which is not supported"),
    ],
)
def test_what_is_no_package_is_refused(tmp_path: Path, contents: bytes, problem: str) -> None:
    with pytest.raises(BadDebianPackage, match=problem):
        unpack_debs(str(tmp_path / "out"), [bad(tmp_path / "a.deb", contents)])


def test_a_package_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    """The files come last, and a short read of a compressed stream must not pass for its end."""
    whole = deb(tmp_path / "a.deb", [file("./bin/a", os.urandom(3000))])
    contents = (tmp_path / "a.deb").read_bytes()
    for size in range(0, len(contents) - 40, 97):
        with pytest.raises(BadDebianPackage):
            unpack_debs(str(tmp_path / f"out{size}"), [bad(tmp_path / "cut.deb", contents[:size])])
    unpack_debs(str(tmp_path / "out"), [whole])


@pytest.mark.parametrize("name", ["../x", "usr/../../x", "./bin/../../x"])
def test_a_name_that_leaves_the_tree_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadDebianPackage, match="leaves the tree"):
        unpack_debs(str(tmp_path / "out"), [deb(tmp_path / "a.deb", [file(name)])])
    assert not (tmp_path / "x").exists()


def test_a_link_cannot_lead_a_later_file_out(tmp_path: Path) -> None:
    """Links are made when all files are in their places, so none can be written through one."""
    (tmp_path / "outside").mkdir()
    entries = [link("./bin/dir", str(tmp_path / "outside")), file("./bin/dir/x")]
    unpack_debs(str(tmp_path / "out"), [deb(tmp_path / "a.deb", entries)])
    assert os.listdir(tmp_path / "outside") == []
    assert (tmp_path / "out/bin/dir/x").is_file()


def test_devices_are_refused(tmp_path: Path) -> None:
    entries = [(entry("./dev/null", kind=tarfile.CHRTYPE), b"")]
    with pytest.raises(BadDebianPackage, match="neither a file"):
        unpack_debs(str(tmp_path / "out"), [deb(tmp_path / "a.deb", entries)])


def test_two_packages_with_one_name_are_refused(tmp_path: Path) -> None:
    one = deb(tmp_path / "a.deb", [file("./usr/bin/a", b"1")])
    two = deb(tmp_path / "b.deb", [file("./bin/a", b"2")])
    with pytest.raises(BadDebianPackage, match="has brought `bin/a` already"):
        unpack_debs(str(tmp_path / "out"), [one, two])


def test_two_links_of_one_name_are_refused(tmp_path: Path) -> None:
    one = deb(tmp_path / "a.deb", [link("./bin/a", "b")])
    two = deb(tmp_path / "b.deb", [link("./bin/a", "c")])
    with pytest.raises(BadDebianPackage, match="has brought `bin/a` already"):
        unpack_debs(str(tmp_path / "out"), [one, two])
