"""The bytes around names and contents.

A driver that walks files writes, for each regular file in a directory, one header, the contents and one
trailer:

    ARCHIVE_START DIRECTORY_START
      regular_entry_start(b"a", 5, executable=False) b"hello" regular_entry_end(5)
      directory_entry_start(b"d") ... DIRECTORY_ENTRY_END
      symlink_entry(b"l", b"a")
    DIRECTORY_END

Names come sorted by their bytes; sorting and the rules of `rules` are the driver's business, as names that
come from a directory need no check. The forms without `entry` are for the root of an archive.
"""

from __future__ import annotations

from larix.formats.wire import encode_string, encode_u64

__all__ = [
    "ARCHIVE_START",
    "DIRECTORY_END",
    "DIRECTORY_ENTRY_END",
    "DIRECTORY_START",
    "directory_entry_start",
    "regular_end",
    "regular_entry_end",
    "regular_entry_start",
    "regular_start",
    "symlink",
    "symlink_entry",
]

_PADDINGS = [bytes(-length % 8) for length in range(8)]


def _strings(*strings: bytes) -> bytes:
    return b"".join(map(encode_string, strings))


ARCHIVE_START = encode_string(b"nix-archive-1")
CLOSE = encode_string(b")")
NODE_START = _strings(b"(", b"type")
DIRECTORY_START = NODE_START + encode_string(b"directory")
DIRECTORY_END = CLOSE
DIRECTORY_ENTRY_END = CLOSE + CLOSE
ENTRY_START = _strings(b"entry", b"(", b"name")
ENTRY_NODE = encode_string(b"node")
PLAIN_START = NODE_START + _strings(b"regular", b"contents")
EXECUTABLE_START = NODE_START + _strings(b"regular", b"executable", b"", b"contents")
SYMLINK_START = NODE_START + _strings(b"symlink", b"target")

_ENTRY_ENDS = [padding + CLOSE + CLOSE for padding in _PADDINGS]
_NAME_ENDS = [padding + ENTRY_NODE for padding in _PADDINGS]
_PLAIN_AFTER_NAME = [start + PLAIN_START for start in _NAME_ENDS]
_EXECUTABLE_AFTER_NAME = [start + EXECUTABLE_START for start in _NAME_ENDS]
_DIRECTORY_AFTER_NAME = [start + DIRECTORY_START for start in _NAME_ENDS]
_SYMLINK_AFTER_NAME = [start + SYMLINK_START for start in _NAME_ENDS]


def regular_start(size: int, *, executable: bool) -> bytes:
    return (EXECUTABLE_START if executable else PLAIN_START) + encode_u64(size)


def regular_end(size: int) -> bytes:
    return _PADDINGS[size % 8] + CLOSE


def regular_entry_start(name: bytes, size: int, *, executable: bool) -> bytes:
    length = len(name)
    after = (_EXECUTABLE_AFTER_NAME if executable else _PLAIN_AFTER_NAME)[length % 8]
    return b"".join((ENTRY_START, encode_u64(length), name, after, encode_u64(size)))


def regular_entry_end(size: int) -> bytes:
    return _ENTRY_ENDS[size % 8]


def symlink(target: bytes) -> bytes:
    return SYMLINK_START + encode_string(target) + CLOSE


def symlink_entry(name: bytes, target: bytes) -> bytes:
    length = len(name)
    return b"".join(
        (
            ENTRY_START,
            encode_u64(length),
            name,
            _SYMLINK_AFTER_NAME[length % 8],
            encode_u64(len(target)),
            target,
            _ENTRY_ENDS[len(target) % 8],
        )
    )


def directory_entry_start(name: bytes) -> bytes:
    length = len(name)
    return b"".join((ENTRY_START, encode_u64(length), name, _DIRECTORY_AFTER_NAME[length % 8]))
