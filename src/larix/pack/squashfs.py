"""Read-only file systems in the format squashfs 4.0, as the kernel, Singularity and squashfuse read them.

    superblock       96 bytes; all numbers are little-endian
    data             files in blocks of 128 KiB, each compressed by itself; what is left at the end of files
                     shares blocks, the fragments
    inode table      metadata: a file, folder or link each, a folder after all that is in it, the root last
    directory table  metadata: of each folder the names, sorted, each with the place of its inode
    fragment table   metadata: where fragments are; then the places of these metadata
    id table         metadata: the users and groups there are; then the place of these metadata

Metadata are cut into pieces of 8 KiB, each with a head of 16 bits: its size, and the highest bit when it was
better left as it is. An inode is named by the place of its piece in the table, and where it starts in there.
Of a data block, bit 24 of the size says that it was left as it is; size 0 stands for a block of zeros.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from larix.pack.compression import squashfs_method
from larix.pack.entries import MOMENT, File, Folder, HardLink, Link
from larix.pack.errors import BadPack
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from typing import Any

    from larix.pack.compression import Method
    from larix.pack.entries import Entry
    from larix.pack.stream import Workers

__all__ = ["BLOCK", "write_squashfs"]

BLOCK = 1 << 17
_MAGIC = 0x73717368
_IDS = {"gzip": 1, "xz": 4, "zstd": 6, "none": 1}
_SUPERBLOCK = struct.Struct("<IIIIIHHHHHHQQQQQQQQ")
_PIECE = 8192
_PLAIN_PIECE = 0x8000
_PLAIN_BLOCK = 1 << 24
_NO_FRAGMENT = 0xFFFFFFFF
_NONE = 0xFFFFFFFFFFFFFFFF
_CHECKED_FOR_DUPLICATES, _NO_ATTRIBUTES = 0x0040, 0x0200
_UNCOMPRESSED = 0x0001 | 0x0002 | 0x0008 | 0x0800
_FRAGMENT = struct.Struct("<QII")
_FOLDER, _FILE, _LINK, _LARGE_FOLDER, _LARGE_FILE = 1, 2, 3, 8, 9
_IN_GROUP = 256
_PAGE = 4096


class _Node:
    """A file, folder or link on its way into the image; `data` is the node that has a file's contents."""

    __slots__ = ("blocks", "children", "data", "entry", "fragment", "number", "offset", "start")

    def __init__(self, entry: Entry, data: _Node | None = None) -> None:
        self.entry = entry
        self.data = data or self
        self.children: dict[bytes, _Node] = {}
        self.number = 0
        self.start = 0
        self.blocks: list[int] = []
        self.fragment = _NO_FRAGMENT
        self.offset = 0


class _Place(NamedTuple):
    """Where an inode is: its piece of the table, and the offset in that."""

    piece: int
    offset: int


def write_squashfs(sink: int, entries: Iterable[Entry], compression: str, workers: Workers) -> None:
    """The image of `entries`, in which folders come before what is in them, in the empty file `sink`."""
    root, count = _tree(entries)
    method = squashfs_method(compression, BLOCK)
    data = _Data(sink, _SUPERBLOCK.size, method, workers)
    _write_files(root, data)
    inodes, listings = _Metadata(method), _Metadata(method)
    place = _write_nodes(root, inodes, listings)
    end = data.end
    tables: list[int] = []
    for table in (inodes, listings):
        tables.append(end)
        end = _append(sink, end, table.close())
    fragments, end = _write_table(sink, end, method, [_FRAGMENT.pack(*each, 0) for each in data.fragments])
    ids, end = _write_table(sink, end, method, [struct.pack("<I", 0)])
    flags = _CHECKED_FOR_DUPLICATES | _NO_ATTRIBUTES | (_UNCOMPRESSED if method.compress is None else 0)
    superblock = _SUPERBLOCK.pack(
        _MAGIC,
        count,
        MOMENT,
        BLOCK,
        len(data.fragments),
        _IDS[compression],
        BLOCK.bit_length() - 1,
        flags,
        1,
        4,
        0,
        place.piece << 16 | place.offset,
        end,
        ids,
        _NONE,
        *tables,
        fragments,
        _NONE,
    )
    os.pwrite(sink, superblock, 0)
    os.ftruncate(sink, end + -end % _PAGE)


def _append(sink: int, place: int, data: bytes) -> int:
    os.pwrite(sink, data, place)
    return place + len(data)


def _tree(entries: Iterable[Entry]) -> tuple[_Node, int]:
    """The entries as a tree, and how many inodes it takes. A hard link becomes a file with the same data."""
    root = _Node(Folder(b""))
    nodes: dict[bytes, _Node] = {b"": root}
    count = 1
    for entry in entries:
        known = nodes.get(entry.name)
        if known is not None:
            if isinstance(known.entry, Folder) and isinstance(entry, Folder):
                continue
            raise BadPack(tr("two things in the pack are called `/{name}'", name=os.fsdecode(entry.name)))
        folder, _, name = entry.name.rpartition(b"/")
        parent = nodes.get(folder)
        if parent is None or not isinstance(parent.entry, Folder):
            raise BadPack(tr("`/{name}' is in no folder of the pack", name=os.fsdecode(entry.name)))
        if isinstance(entry, HardLink):
            first = nodes[entry.target]
            node = _Node(first.entry, first.data)
        else:
            node = _Node(entry)
        count += 1
        nodes[entry.name] = parent.children[name] = node
    return root, count


def _write_files(root: _Node, data: _Data) -> None:
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node.entry, File) and node.data is node:
            data.add(node, node.entry)
        todo += [child for _, child in sorted(node.children.items(), reverse=True)]
    data.close()


class _Data:
    """Writes the blocks of files, compressed by several threads and in order."""

    def __init__(self, sink: int, start: int, method: Method, workers: Workers) -> None:
        self._sink = sink
        self._compress = method.compress
        self._workers = workers
        self._pending: deque[tuple[Future[Any] | None, memoryview, Callable[[int, int], None]]] = deque()
        self._tails = bytearray()
        self.end = start
        self.fragments: list[tuple[int, int]] = []
        self._fragment_count = 0

    def add(self, node: _Node, entry: File) -> None:
        source = None if entry.file is None else os.open(entry.file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for number in range(entry.size // BLOCK):
                block = self._read(source, entry, number * BLOCK, BLOCK)
                self._submit(block, _file_block(node, is_first=number == 0))
            tail = entry.size % BLOCK
            if tail:
                self._add_tail(node, self._read(source, entry, entry.size - tail, tail))
        finally:
            if source is not None:
                os.close(source)

    def _read(self, source: int | None, entry: File, offset: int, size: int) -> memoryview:
        if source is None:
            return memoryview(entry.contents)[offset : offset + size]
        data = os.pread(source, size, offset)
        if len(data) != size:
            raise BadPack(tr("`{file}' changed while it was packed", file=os.fsdecode(entry.name)))
        return memoryview(data)

    def _add_tail(self, node: _Node, data: memoryview) -> None:
        if len(self._tails) + len(data) > BLOCK:
            self._end_fragment()
        node.fragment, node.offset = self._fragment_count, len(self._tails)
        self._tails += data

    def _end_fragment(self) -> None:
        if self._tails:
            self._fragment_count += 1
            block, self._tails = memoryview(self._tails), bytearray()
            self._submit(block, lambda start, size: self.fragments.append((start, size)))

    def _submit(self, block: memoryview, done: Callable[[int, int], None]) -> None:
        work = None if self._compress is None else self._workers.pool.submit(self._compress, block)
        self._pending.append((work, block, done))
        if len(self._pending) > 16 * self._workers.threads:
            self._take()

    def _take(self) -> None:
        work, block, done = self._pending.popleft()
        packed = block if work is None else memoryview(work.result())
        size = len(packed)
        if size >= len(block):
            packed, size = block, len(block) | _PLAIN_BLOCK
        done(self.end, size)
        self.end = _append(self._sink, self.end, bytes(packed))

    def close(self) -> None:
        self._end_fragment()
        while self._pending:
            self._take()


def _file_block(node: _Node, *, is_first: bool) -> Callable[[int, int], None]:
    def done(start: int, size: int) -> None:
        if is_first:
            node.start = start
        node.blocks.append(size)

    return done


class _Metadata:
    """A table in pieces; what was added last can be named before all of it is written."""

    def __init__(self, method: Method) -> None:
        self._compress = method.compress
        self._open = bytearray()
        self._written = bytearray()

    @property
    def place(self) -> _Place:
        return _Place(len(self._written), len(self._open))

    def add(self, data: bytes) -> None:
        self._open += data
        while len(self._open) >= _PIECE:
            self._flush(_PIECE)

    def _flush(self, size: int) -> None:
        piece = bytes(self._open[:size])
        del self._open[:size]
        packed = piece if self._compress is None else bytes(self._compress(memoryview(piece)))
        head = len(packed)
        if len(packed) >= len(piece):
            packed, head = piece, len(piece) | _PLAIN_PIECE
        self._written += struct.pack("<H", head) + packed

    def close(self) -> bytes:
        if self._open:
            self._flush(len(self._open))
        return bytes(self._written)


def _write_nodes(root: _Node, inodes: _Metadata, listings: _Metadata) -> _Place:
    """All inodes and listings, each folder after what is in it; the place of the root's."""
    order: list[tuple[_Node, _Node]] = []
    todo = [(root, root)]
    while todo:
        node, parent = todo.pop()
        order.append((node, parent))
        todo += [(child, node) for _, child in sorted(node.children.items())]
    order.reverse()
    for number, (node, _) in enumerate(order, 1):
        node.number = number
    places: dict[int, _Place] = {}
    for node, parent in order:
        listing = b""
        start = listings.place
        if isinstance(node.entry, Folder):
            listing = _listing(node, places)
            listings.add(listing)
        above = len(order) + 1 if node is root else parent.number
        places[node.number] = inodes.place
        inodes.add(_inode(node, above, start, len(listing)))
    return places[root.number]


def _listing(node: _Node, places: dict[int, _Place]) -> bytes:
    """The names in a folder: groups whose inodes are in one piece, and whose numbers are near each other."""
    parts: list[bytes] = []
    group: list[bytes] = []
    piece, base = -1, 0
    for name, child in sorted(node.children.items()):
        place = places[child.number]
        delta = child.number - base
        if place.piece != piece or len(group) == _IN_GROUP or not -0x8000 <= delta < 0x8000:
            parts += _group(group, piece, base)
            group, piece, base = [], place.piece, child.number
            delta = 0
        kind = _kind(child.entry)
        group.append(struct.pack("<HhHH", place.offset, delta, kind, len(name) - 1) + name)
    parts += _group(group, piece, base)
    return b"".join(parts)


def _group(group: list[bytes], piece: int, base: int) -> list[bytes]:
    return [struct.pack("<III", len(group) - 1, piece, base), *group] if group else []


def _kind(entry: Entry) -> int:
    if isinstance(entry, Folder):
        return _FOLDER
    return _LINK if isinstance(entry, Link) else _FILE


def _inode(node: _Node, parent: int, listing: _Place, listing_size: int) -> bytes:
    entry = node.entry
    if isinstance(entry, Folder):
        links = 2 + sum(isinstance(child.entry, Folder) for child in node.children.values())
        size = listing_size + 3
        if size < 1 << 16:
            rest = struct.pack("<IIHHI", listing.piece, links, size, listing.offset, parent)
            return _head(_FOLDER, entry.mode, node) + rest
        rest = struct.pack("<IIIIHHI", links, size, listing.piece, parent, 0, listing.offset, _NO_FRAGMENT)
        return _head(_LARGE_FOLDER, entry.mode, node) + rest
    if isinstance(entry, Link):
        return _head(_LINK, 0o777, node) + struct.pack("<II", 1, len(entry.target)) + entry.target
    if not isinstance(entry, File):
        raise TypeError(f"{entry!r} has no inode of its own")
    data = node.data
    blocks = struct.pack(f"<{len(data.blocks)}I", *data.blocks)
    if entry.size < 1 << 32 and data.start < 1 << 32:
        rest = struct.pack("<IIII", data.start, data.fragment, data.offset, entry.size)
        return _head(_FILE, entry.mode, node) + rest + blocks
    rest = struct.pack("<QQQIIII", data.start, entry.size, 0, 1, data.fragment, data.offset, _NO_FRAGMENT)
    return _head(_LARGE_FILE, entry.mode, node) + rest + blocks


def _head(kind: int, mode: int, node: _Node) -> bytes:
    return struct.pack("<HHHHII", kind, mode, 0, 0, MOMENT, node.number)


def _write_table(sink: int, end: int, method: Method, entries: list[bytes]) -> tuple[int, int]:
    """A table that is found by the places of its pieces; where those stand, and the end."""
    metadata = _Metadata(method)
    places: list[int] = []
    per_piece = _PIECE // len(entries[0]) if entries else 1
    for number, entry in enumerate(entries):
        if number % per_piece == 0:
            places.append(end + metadata.place.piece)
        metadata.add(entry)
    end = _append(sink, end, metadata.close())
    return end, _append(sink, end, struct.pack(f"<{len(places)}Q", *places))
