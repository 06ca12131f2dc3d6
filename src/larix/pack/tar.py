r"""Tar archives of entries, in the form of GNU tar.

    header    name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, type 1, link target 100,
              "ustar  \0" 8, user 32, group 32, nothing up to 512 bytes; numbers in octal, ended by a zero
    contents  filled up with zeros to 512 bytes
    end       two blocks of zeros, filled up to 10 KiB

A name or target of more than 100 bytes is written before the header as the contents of an entry of type `L`
or `K`. Names are bytes, whatever they hold. Sizes from 8 GiB on are binary, the highest bit set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.pack.entries import MOMENT, File, Folder, HardLink, Link

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.pack.entries import Entry
    from larix.pack.stream import Stream

__all__ = ["END_SIZE", "file_header", "header_size", "padding", "tar_end", "tar_size", "write_entries"]

_BLOCK = 512
_RECORD = 20 * _BLOCK
_NAME = 100
_OCTAL_LIMIT = 8**11
END_SIZE = 2 * _BLOCK

_OWNER = b"0000000\0" * 2
_TIME = b"%011o\0" % MOMENT
_NO_SUM = b" " * 8
_REST = b"ustar  \0" + b"root".ljust(32, b"\0") * 2 + bytes(183)
_LONG_NAME = b"././@LongLink"


def padding(size: int) -> int:
    return -size % _BLOCK


def tar_end(size: int) -> int:
    """How many zeros end an archive whose entries take `size` bytes."""
    return END_SIZE + -(size + END_SIZE) % _RECORD


def header_size(entry: Entry) -> int:
    """The size of all headers of an entry."""
    name = len(entry.name) + isinstance(entry, Folder)
    target = len(entry.target) if isinstance(entry, (Link, HardLink)) else 0
    return _BLOCK + _long_size(name) + _long_size(target)


def _long_size(length: int) -> int:
    return 0 if length <= _NAME else _BLOCK + length + 1 + padding(length + 1)


def tar_size(entries: Iterable[Entry]) -> int:
    """What `write_entries` will write for them."""
    total = 0
    for entry in entries:
        total += header_size(entry)
        if isinstance(entry, File):
            total += entry.size + padding(entry.size)
    return total


def write_entries(stream: Stream, entries: Iterable[Entry]) -> None:
    """The entries, without the archive's end."""
    for entry in entries:
        if isinstance(entry, File):
            stream.write(file_header(entry.name, entry.size, entry.mode))
            if entry.file is None:
                stream.write(entry.contents)
            else:
                stream.write_file(entry.file, entry.size)
            stream.write_zeros(padding(entry.size))
        elif isinstance(entry, Folder):
            stream.write(_headers(entry.name + b"/", entry.mode, 0, b"5", b""))
        elif isinstance(entry, Link):
            stream.write(_headers(entry.name, 0o777, 0, b"2", entry.target))
        else:
            stream.write(_headers(entry.name, 0o555, 0, b"1", entry.target))


def file_header(name: bytes, size: int, mode: int = 0o444) -> bytes:
    return _headers(name, mode, size, b"0", b"")


def _headers(name: bytes, mode: int, size: int, kind: bytes, target: bytes) -> bytes:
    before = b""
    if len(target) > _NAME:
        before += _long(target, b"K")
    if len(name) > _NAME:
        before += _long(name, b"L")
    return before + _header(name[:_NAME], mode, size, kind, target[:_NAME])


def _long(text: bytes, kind: bytes) -> bytes:
    size = len(text) + 1
    return _header(_LONG_NAME, 0o644, size, kind, b"") + text + bytes(1 + padding(size))


def _header(name: bytes, mode: int, size: int, kind: bytes, target: bytes) -> bytes:
    start = b"%b%07o\0%b%b%b" % (name.ljust(_NAME, b"\0"), mode, _OWNER, _number(size), _TIME)
    end = kind + target.ljust(_NAME, b"\0") + _REST
    total = sum(start) + sum(_NO_SUM) + sum(end)
    return b"%b%06o\0 %b" % (start, total, end)


def _number(size: int) -> bytes:
    return b"%011o\0" % size if size < _OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
