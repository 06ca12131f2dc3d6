"""Compressors that give the same bytes everywhere.

They come with their libraries compiled in, so that one version tells what they write; `identity` is that
version with all settings, and stands in the derivation of what was compressed. zlib and lzma of the standard
library are whatever the machine has, and the fastest deflates choose by processor what they write.

Data are compressed in blocks of one size, each by itself, so that several threads can work and their number
changes nothing. All formats here allow that: frames of zstd, members of lzip, streams of xz and bzip2 follow
each other in one file and are unpacked as one. So would members of gzip, but readers of images that are
widely used fail on more than one. Hence gzip is one member: the deflate data of a block end with an empty
stored one, on a whole byte, and go on with the next; an empty last one, checksum and size follow at the end.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Compress: TypeAlias = Callable[[memoryview], bytes | bytearray | memoryview]

__all__ = ["EXTENSIONS", "GZIP_HEAD", "Method", "gzip_tail", "method", "squashfs_method"]

EXTENSIONS = {"gzip": ".gz", "zstd": ".zst", "xz": ".xz", "bzip2": ".bz2", "lzip": ".lz", "none": ""}

_MEBIBYTE = 1 << 20
_GZIP_LEVEL = 1
_FLUSHED = b"\0\0\xff\xff"
_LAST_BLOCK = b"\x03\0"
_MOST_STORED = 0xFFFF
_ZSTD_LEVEL = 3
_BZIP2_LEVEL = 9
_LZMA_PRESET = 6
_LZMA_DICTIONARY_BITS = 23
_SQUASHFS_ZLIB_LEVEL = 6
_SQUASHFS_ZSTD_LEVEL = 9


class Method(NamedTuple):
    """`compress` is None for no compression. `block` is how much of the data goes through it at a time.

    With `is_gzip`, compressed blocks are the inside of a member, and the compressor lets one thread work at a
    time.
    """

    name: str
    block: int
    compress: Compress | None
    identity: str
    is_gzip: bool = False


GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"  # no name, no time, made for speed, on no particular system


def gzip_tail(checksum: int, size: int) -> bytes:
    """The end of a member whose data have this CRC-32 and size."""
    return _LAST_BLOCK + struct.pack("<II", checksum, size & 0xFFFFFFFF)


@cache
def method(name: str) -> Method:
    """The method of one of the names in `EXTENSIONS`, for streams; loads its library."""
    if name == "none":
        return Method(name, _MEBIBYTE, None, "none")
    import cramjam

    version = f"cramjam {cramjam.__version__}"
    if name == "gzip":
        return _named(name, _MEBIBYTE, _gzip_block, version, _GZIP_LEVEL)._replace(is_gzip=True)
    if name == "zstd":

        def zstd(data: memoryview) -> memoryview:
            return memoryview(cramjam.zstd.compress(data, _ZSTD_LEVEL))

        return _named(name, 4 * _MEBIBYTE, zstd, version, _ZSTD_LEVEL)
    if name == "bzip2":

        def bzip2(data: memoryview) -> memoryview:
            return memoryview(cramjam.bzip2.compress(data, _BZIP2_LEVEL))

        return _named(name, 9 * 900_000, bzip2, version, _BZIP2_LEVEL)
    if name == "xz":

        def xz(data: memoryview) -> memoryview:
            return memoryview(cramjam.xz.compress(data, _LZMA_PRESET, check=cramjam.xz.Check.Crc64))

        return _named(name, 16 * _MEBIBYTE, xz, version, _LZMA_PRESET)
    if name == "lzip":
        return _named(name, 16 * _MEBIBYTE, _lzip, version, _LZMA_PRESET)
    raise KeyError(name)


def _named(name: str, block: int, compress: Compress, library: str, level: int) -> Method:
    return Method(name, block, compress, f"{name} by {library}, level {level}, blocks of {block}")


def _gzip_block(data: memoryview) -> bytes:
    """Deflate data of a block up to a whole byte, to be followed by others.

    The library may hold something back when it is told to flush, so it is told again until it has come to the
    empty stored block. What it writes at the end then shows whether that was all.
    """
    import cramjam

    compressor = cramjam.deflate.Compressor(_GZIP_LEVEL)
    compressor.compress(bytes(data))
    parts = [bytes(compressor.flush())]
    while not parts[-1].endswith(_FLUSHED):
        more = bytes(compressor.flush())
        if not more:
            return _stored(data)
        parts.append(more)
    return b"".join(parts) if bytes(compressor.finish()) == _LAST_BLOCK else _stored(data)


def _stored(data: memoryview) -> bytes:
    """The same in stored blocks: a byte of flags, the size and its complement, the data as they are."""
    pieces = (data[at : at + _MOST_STORED] for at in range(0, len(data), _MOST_STORED))
    return b"".join(
        part for piece in pieces for part in (struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF), piece)
    )


def _lzip(data: memoryview) -> bytes:
    """One member.

    "LZIP", version 1, the dictionary's size as a power of two; LZMA with an end marker; the CRC-32 and the
    size of the data; the size of the member.
    """
    import cramjam

    options = cramjam.xz.Options().set_preset(_LZMA_PRESET).set_dict_size(1 << _LZMA_DICTIONARY_BITS)
    chain = cramjam.xz.FilterChain()
    chain.append_filter(cramjam.xz.FilterChainItem(cramjam.xz.Filter.Lzma1, options))
    packed = memoryview(cramjam.xz.compress(data, format=cramjam.xz.Format.RAW, filters=chain))
    size = 6 + len(packed) + 20
    head = b"LZIP" + bytes([1, _LZMA_DICTIONARY_BITS])
    return b"".join((head, packed, struct.pack("<IQQ", zlib.crc32(data), len(data), size)))


@cache
def squashfs_method(name: str, block: int) -> Method:
    """A method for the blocks of a squashfs.

    The kernel unpacks them: gzip means zlib, and xz must do with a dictionary of one block.
    """
    if name == "none":
        return Method(name, block, None, "none")
    import cramjam

    version = f"cramjam {cramjam.__version__}"
    if name == "gzip":

        def deflate(data: memoryview) -> memoryview:
            return memoryview(cramjam.zlib.compress(data, _SQUASHFS_ZLIB_LEVEL))

        return _named(name, block, deflate, version, _SQUASHFS_ZLIB_LEVEL)
    if name == "zstd":

        def zstd(data: memoryview) -> memoryview:
            return memoryview(cramjam.zstd.compress(data, _SQUASHFS_ZSTD_LEVEL))

        return _named(name, block, zstd, version, _SQUASHFS_ZSTD_LEVEL)
    if name == "xz":

        def xz(data: memoryview) -> memoryview:
            options = cramjam.xz.Options().set_preset(_LZMA_PRESET).set_dict_size(block)
            chain = cramjam.xz.FilterChain()
            chain.append_filter(cramjam.xz.FilterChainItem(cramjam.xz.Filter.Lzma2, options))
            return memoryview(cramjam.xz.compress(data, filters=chain, check=cramjam.xz.Check.Crc32))

        return _named(name, block, xz, version, _LZMA_PRESET)
    raise KeyError(name)
