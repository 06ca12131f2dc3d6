"""What a program or library says of itself to the dynamic loader: a small reader of ELF files.

Layout (System V gABI): a header of 16 identifying bytes (magic, class 32/64, byte order), then type, machine
and the table of program headers. PT_INTERP holds the loader's name; PT_DYNAMIC a list of (tag, value) up to
DT_NULL, whose strings are offsets into the table at DT_STRTAB, an address that PT_LOAD maps to a place in the
file.

All sizes come from the file and are checked against it; a broken file is a `BadElf`, never another error.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import file_errors

__all__ = ["BadElf", "Elf", "is_elf", "parse_elf", "read_elf"]

MAGIC = b"\x7fELF"
TYPES = {1: "relocatable", 2: "executable", 3: "shared", 4: "core"}
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29


class BadElf(BuildSideError):
    """The file starts as ELF does and then contradicts itself."""


class Elf(NamedTuple):
    """`runpath` is DT_RUNPATH split at colons, or DT_RPATH where there is only that; unexpanded."""

    type: str
    bits: int
    machine: int
    interpreter: str | None
    needed: tuple[str, ...]
    soname: str | None
    runpath: tuple[str, ...]
    runpath_offset: int | None
    is_dynamic: bool


class Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def is_elf(file: str | os.PathLike[str]) -> bool:
    """A regular file that starts with the magic number; links are not followed."""
    if os.path.islink(file) or not os.path.isfile(file):
        return False
    with open(file, "rb") as stream:
        return stream.read(4) == MAGIC


@file_errors("read_elf")
def read_elf(file: str | os.PathLike[str]) -> Elf | None:
    """None when the file is no ELF file."""
    with open(file, "rb") as stream:
        if stream.read(4) != MAGIC:
            return None
        stream.seek(0)
        data = stream.read()
    try:
        return parse_elf(data)
    except BadElf as error:
        raise BadElf(f"{os.fspath(file)}: {error}") from error


def parse_elf(data: bytes) -> Elf:
    if data[:4] != MAGIC or len(data) < 20:
        raise BadElf("no ELF header")
    bits = {1: 32, 2: 64}.get(data[4])
    order = {1: "<", 2: ">"}.get(data[5])
    if bits is None or order is None:
        raise BadElf(f"unknown class {data[4]} or byte order {data[5]}")
    kind, machine = _unpack(order + "HH", data, 16)
    segments = _segments(data, order, bits)
    interpreter = next((_string(data, each.offset) for each in segments if each.kind == PT_INTERP), None)
    dynamic = next((each for each in segments if each.kind == PT_DYNAMIC), None)
    entries = _dynamic(data, order, bits, dynamic) if dynamic else []
    values = dict(reversed(entries))
    table = _file_offset(segments, values[DT_STRTAB]) if DT_STRTAB in values else None

    def text(tag: int) -> str | None:
        return _string(data, table + values[tag]) if tag in values and table is not None else None

    runpath_tag = DT_RUNPATH if DT_RUNPATH in values else DT_RPATH
    runpath = text(runpath_tag)
    return Elf(
        type=TYPES.get(kind, f"type {kind}"),
        bits=bits,
        machine=machine,
        interpreter=interpreter,
        needed=tuple(_string(data, table + value) for tag, value in entries if tag == DT_NEEDED)
        if table is not None
        else (),
        soname=text(DT_SONAME),
        runpath=tuple(runpath.split(":")) if runpath else (),
        runpath_offset=table + values[runpath_tag] if runpath and table is not None else None,
        is_dynamic=dynamic is not None,
    )


def _unpack(form: str, data: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, offset)
    except (struct.error, OverflowError) as error:
        raise BadElf(f"cut off at byte {offset}: the file has {len(data)}") from error


def _segments(data: bytes, order: str, bits: int) -> list[Segment]:
    if bits == 64:
        (start,) = _unpack(order + "Q", data, 32)
        size, count = _unpack(order + "HH", data, 54)
        form, least = order + "IIQQQQ", 56
    else:
        (start,) = _unpack(order + "I", data, 28)
        size, count = _unpack(order + "HH", data, 42)
        form, least = order + "IIIIII", 32
    if count and size < least:
        raise BadElf(f"program headers of {size} bytes")
    found: list[Segment] = []
    for index in range(count):
        fields = _unpack(form, data, start + index * size)
        # 64 bits: type flags offset vaddr paddr filesz; 32 bits: type offset vaddr paddr filesz memsz
        kind, offset, address, length = (
            (fields[0], fields[2], fields[3], fields[5]) if bits == 64 else (*fields[:3], fields[4])
        )
        found.append(Segment(kind, offset, address, length))
    return found


def _dynamic(data: bytes, order: str, bits: int, segment: Segment) -> list[tuple[int, int]]:
    form, size = (order + "qQ", 16) if bits == 64 else (order + "iI", 8)
    entries: list[tuple[int, int]] = []
    for offset in range(segment.offset, segment.offset + segment.size - size + 1, size):
        tag, value = _unpack(form, data, offset)
        if tag == DT_NULL:
            break
        entries.append((tag, value))
    return entries


def _file_offset(segments: list[Segment], address: int) -> int:
    for each in segments:
        if each.kind == PT_LOAD and each.address <= address < each.address + each.size:
            return address - each.address + each.offset
    raise BadElf(f"address {address:#x} of the string table is in no segment")


def _string(data: bytes, offset: int) -> str:
    end = data.find(b"\0", offset) if 0 <= offset < len(data) else -1
    if end < 0:
        raise BadElf(f"no string at byte {offset}")
    return os.fsdecode(data[offset:end])
