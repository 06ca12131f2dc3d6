"""The relocation script, on files small enough to be read; the real thing is in `test_seed_build.py`."""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
from typing import TYPE_CHECKING

import pytest

from larixpkgs.bootstrap import relocate

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = b"/bin/sh", b"/larix/store/00000000000000000000000000000000-seed/bin/sh"
STRING_AT = 0x1000 + 3
CODE_AT = 0x2000
POINTER_AT = 0x3008


def image(*, strings: bytes = b"ab\0" + OLD + b"\0", code: bytes | None = None, padded: bool = True) -> bytes:
    """A linked file of three segments: constants at 0x1000, code at 0x2000, data at 0x3000.

    The code is `lea OLD(%rip), %rax; ret`; the data holds OLD's address as well.
    """
    if code is None:
        code = b"\x48\x8d\x05" + struct.pack("<i", STRING_AT - (CODE_AT + 7)) + b"\xc3"
    contents = bytearray(0x4000)
    contents[:6] = relocate.ELF_64_LITTLE_ENDIAN
    struct.pack_into("<HH", contents, 16, 3, 62)
    struct.pack_into("<Q", contents, 32, 64)
    struct.pack_into("<HH", contents, 54, 56, 3)
    data = bytes(8) + struct.pack("<Q", STRING_AT)
    for index, (flags, address, part) in enumerate(
        [(4, 0x1000, strings), (5, 0x2000, code), (6, 0x3000, data)]
    ):
        where = 64 + 56 * index
        struct.pack_into(
            "<IIQQQQQQ", contents, where, 1, flags, address, address, 0, len(part), len(part), 0x1000
        )
        contents[address : address + len(part)] = part
    if not padded:
        contents[0x1000 + len(strings) + 8] = 1
    return bytes(contents)


def string_at(contents: bytes, address: int) -> bytes:
    return contents[address : contents.index(b"\0", address)]


def test_code_and_data_turn_to_the_longer_string() -> None:
    changed = relocate.Image("x", image())
    assert changed.redirect(OLD, NEW) == 2
    (displacement,) = struct.unpack_from("<i", changed.contents, CODE_AT + 3)
    (pointer,) = struct.unpack_from("<Q", changed.contents, POINTER_AT)
    assert string_at(changed.contents, CODE_AT + 7 + displacement) == NEW
    assert string_at(changed.contents, pointer) == NEW
    assert string_at(changed.contents, STRING_AT) == OLD, "its end may be in use as another string"


def test_the_segment_covers_what_was_added() -> None:
    before, after = relocate.Image("x", image()), relocate.Image("x", image())
    after.redirect(OLD, NEW)
    grown = relocate.Image("x", bytes(after.contents)).loaded[0]
    assert grown.size == before.loaded[0].size + len(NEW) + 1
    assert struct.unpack_from("<QQ", after.contents, grown.entry + 32) == (grown.size, grown.size)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs machine code for x86-64")
def test_the_changed_code_runs() -> None:
    """The processor agrees about where the new string is."""
    changed = relocate.Image("x", image())
    changed.redirect(OLD, NEW)
    memory = mmap.mmap(-1, len(changed.contents), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(bytes(changed.contents))
    anchor = ctypes.c_char.from_buffer(memory)
    function = ctypes.CFUNCTYPE(ctypes.c_char_p)(ctypes.addressof(anchor) + CODE_AT)
    assert function() == NEW
    del anchor


def test_a_full_page_is_no_room() -> None:
    with pytest.raises(relocate.RelocationError, match="no room"):
        relocate.Image("x", image(padded=False)).redirect(OLD, NEW)


def test_a_string_that_nothing_uses_is_an_error() -> None:
    """What looks unused is used in a way that is not known here."""
    unused = bytearray(image(code=b"\xc3"))
    unused[POINTER_AT : POINTER_AT + 8] = bytes(8)
    with pytest.raises(relocate.RelocationError, match="no use"):
        relocate.Image("x", bytes(unused)).redirect(OLD, NEW)


def test_a_string_that_is_there_twice_is_an_error() -> None:
    with pytest.raises(relocate.RelocationError, match="twice"):
        relocate.Image("x", image(strings=b"\0/bin/sh\0/bin/sh\0")).redirect(OLD, NEW)


def test_the_segments_of_a_file_tell_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "static").write_bytes(image())
    dynamic = bytearray(image())
    struct.pack_into("<I", dynamic, 64 + 56, relocate.PT_DYNAMIC)
    (tmp_path / "dynamic").write_bytes(dynamic)
    assert relocate.dynamic_segments(str(tmp_path / "text")) is None
    assert relocate.dynamic_segments(str(tmp_path / "static")) is None
    assert relocate.dynamic_segments(str(tmp_path / "dynamic")) == {relocate.PT_LOAD, relocate.PT_DYNAMIC}


def test_copying_leaves_out_parts_and_the_links_to_them(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "lib/python3.11/test/deep").mkdir(parents=True)
    (tree / "bin/gcc").write_text("gcc")
    (tree / "bin/gcc").chmod(0o555)
    (tree / "bin/ld.gold").write_text("gold")
    (tree / "bin/gold").symlink_to("ld.gold")
    (tree / "bin/cc").symlink_to("gcc")
    tree.chmod(0o555)
    relocate.copy_tree(str(tree), str(tmp_path / "out"))
    assert sorted(os.listdir(tmp_path / "out/bin")) == ["cc", "gcc"]
    assert os.listdir(tmp_path / "out/lib/python3.11") == []
    assert (tmp_path / "out/bin/gcc").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"#!/bin/sh -e\n", b"#!OUT/bin/sh -e\n"),
        (b"#! /usr/bin/env sh\n", b"#!OUT/bin/sh\n"),
        (b"#!/usr/bin/perl -w\n", b"#!/usr/bin/perl -w\n"),
        (b"text #!/bin/sh\n", b"text #!/bin/sh\n"),
    ],
)
def test_scripts_name_the_interpreters_that_are_there(tmp_path: Path, line: bytes, expected: bytes) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").write_bytes(b"\x7fELF")
    (tmp_path / "bin/script").write_bytes(line + b"rest")
    relocate.patch_scripts("", str(tmp_path))
    assert (tmp_path / "bin/script").read_bytes() == expected.replace(b"OUT", os.fsencode(tmp_path)) + b"rest"


def test_linker_scripts_name_libraries_beside_them(tmp_path: Path) -> None:
    folder = tmp_path / relocate.LIBRARIES
    folder.mkdir(parents=True)
    for name in ("libc.so", "libm.so", "libm.a"):
        (folder / name).write_text(
            "/* GNU ld script */\n"
            "GROUP ( /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libc_nonshared.a "
            "AS_NEEDED ( /lib64/ld-linux-x86-64.so.2 ) )\n"
        )
    relocate.patch_linker_scripts("", str(tmp_path))
    assert (
        "GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( ld-linux-x86-64.so.2 ) )"
        in (folder / "libc.so").read_text()
    )


def test_a_reference_to_the_unpacked_tree_is_refused(tmp_path: Path) -> None:
    tree = "/larix/store/abcdfghijklmnpqrsvwxyz0123456789-debian-packages"
    (tmp_path / "bin").mkdir()
    relocate.check_references(tree, str(tmp_path))
    (tmp_path / "bin/link").symlink_to(f"{tree}/bin/x")
    with pytest.raises(relocate.RelocationError, match="bin/link still refers"):
        relocate.check_references(tree, str(tmp_path))
    (tmp_path / "bin/link").unlink()
    (tmp_path / "bin/file").write_bytes(b"\0abcdfghijklmnpqrsvwxyz0123456789\0")
    with pytest.raises(relocate.RelocationError, match="bin/file still refers"):
        relocate.check_references(tree, str(tmp_path))


def test_a_change_that_finds_nothing_to_change_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "specs").write_bytes(b"*self_spec:\n-x\n")
    with pytest.raises(relocate.RelocationError, match="does not contain"):
        relocate.replace(str(tmp_path / "specs"), b"*self_spec:\n\n", b"")
