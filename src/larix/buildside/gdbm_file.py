"""Writing the files of GNU dbm, version 1.8 and later, on a 64-bit machine of little endian.

    header      magic 0x13579acf, block size, where the directory is and its size, the bits it takes of a
                hash, size and capacity of a bucket, where the next block would be; then free space: none
    directory   for each value of those bits, where the bucket is
    buckets     free space: none; the bits that all hashes in it share, how many there are; then as many
                places as the capacity: hash (-1: empty), four bytes of the key, where the record is, lengths
    records     key and value

An element stands at its hash modulo the capacity, or at the next place that is free. A bucket that would hold
too much is split by the next bit. The same entries give the same bytes.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["gdbm_file"]

_MAGIC = 0x13579ACF
_BLOCK = 4096
_HASH_BITS = 31
_LEAST_BITS = 9  # the directory fills a block
_HEADER = Struct("<IIQIIIIQIIQ")
_BUCKET = Struct("<II96xII")
_ELEMENT = Struct("<i4sQII")
_CAPACITY = (_BLOCK - _BUCKET.size) // _ELEMENT.size
_FREE = (_BLOCK - _HEADER.size) // 16
_EMPTY = _ELEMENT.pack(-1, b"", 0, 0, 0)


def gdbm_file(entries: Mapping[bytes, bytes]) -> bytes:
    """The whole file that holds `entries`."""
    hashed = sorted((_hash(key), key) for key in entries)
    buckets = _split(hashed, 0)
    bits = max([_LEAST_BITS, *(depth for depth, _ in buckets)])
    start = _BLOCK + (8 << bits)
    directory = b"".join(
        (start + _BLOCK * number).to_bytes(8, "little") * (1 << (bits - depth))
        for number, (depth, _) in enumerate(buckets)
    )
    at = start + _BLOCK * len(buckets)
    records: list[bytes] = []
    written: list[bytes] = []
    for depth, elements in buckets:
        places = [_EMPTY] * _CAPACITY
        for value, key in elements:
            place = value % _CAPACITY
            while places[place] is not _EMPTY:
                place = (place + 1) % _CAPACITY
            data = entries[key]
            places[place] = _ELEMENT.pack(value, key[:4], at, len(key), len(data))
            records += [key, data]
            at += len(key) + len(data)
        written.append(_BUCKET.pack(0, 0, depth, len(elements)) + b"".join(places))
    end = -(-at // _BLOCK) * _BLOCK
    header = _HEADER.pack(_MAGIC, _BLOCK, _BLOCK, 8 << bits, bits, _BLOCK, _CAPACITY, end, _FREE, 0, 0)
    body = b"".join([header.ljust(_BLOCK, b"\0"), directory, *written, *records])
    return body.ljust(end, b"\0")


def _split(hashed: Sequence[tuple[int, bytes]], depth: int) -> list[tuple[int, Sequence[tuple[int, bytes]]]]:
    """Buckets with their depths, in the order of the hashes; `hashed` share their first `depth` bits."""
    if len(hashed) <= _CAPACITY or depth == _HASH_BITS:
        return [(depth, hashed)]
    bit = 1 << (_HASH_BITS - depth - 1)
    low = [each for each in hashed if not each[0] & bit]
    return _split(low, depth + 1) + _split(hashed[len(low) :], depth + 1)


def _hash(key: bytes) -> int:
    value = 0x238F13AF * len(key)
    for index, byte in enumerate(key):
        signed = byte - 256 if byte > 127 else byte
        value = (value + (signed << (index * 5 % 24))) & 0x7FFFFFFF
    return (1103515243 * value + 12345) & 0x7FFFFFFF
