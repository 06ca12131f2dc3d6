"""Packages for rpm, in its format 3 with the digests that version 4.14 and later ask for.

    lead        96 bytes, of which little is read any more
    signature   a header, filled up to 8 bytes: digests and sizes of what follows
    header      all that is known of the package and its files
    payload     a cpio archive of the files, compressed

A header is a magic number, the number of entries and the size of the data; the entries, each of four numbers
of 32 bits (tag, type, offset into the data, count); the data. The first entry is the region: 16 bytes at the
end of the data that look like an entry and tell how long the index is. Numbers are big-endian, and aligned.
"""

from __future__ import annotations

import os
import struct
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, NamedTuple

from larix.pack.compression import method
from larix.pack.content import all_entries
from larix.pack.entries import MOMENT, File, Folder, HardLink, Link
from larix.pack.errors import BadPack
from larix.pack.stream import Stream
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larix.pack.content import Contents
    from larix.pack.options import PackOptions
    from larix.pack.stream import Workers

__all__ = ["rpm_architecture", "write_rpm"]

_LEAD = struct.Struct(">IBBHH66sHH16x")
_LEAD_MAGIC, _HEADER_MAGIC = 0xEDABEEDB, 0x8EADE80100000000
_INT16, _INT32, _STRING, _BINARY, _STRINGS, _TRANSLATED = 3, 4, 6, 7, 8, 9
_SIGNATURES, _IMMUTABLE = 62, 63
_SIG_SHA1, _SIG_SHA256, _SIG_SIZE, _SIG_PAYLOAD_SIZE = 269, 273, 1000, 1007
_SHA256 = 8
_LESS_OR_EQUAL, _EQUAL, _RPMLIB = 0x02 | 0x08, 0x08, 1 << 24
_LIMIT = 1 << 32
_SCRIPTS = {"prein": (1023, 1085), "postin": (1024, 1086), "preun": (1025, 1087), "postun": (1026, 1088)}
_FEATURES = (
    ("rpmlib(CompressedFileNames)", "3.0.4-1"),
    ("rpmlib(FileDigests)", "4.6.0-1"),
    ("rpmlib(PayloadFilesHavePrefix)", "4.0-1"),
)
_COMPRESSED = {
    "gzip": (),
    "xz": (("rpmlib(PayloadIsXz)", "5.2-1"),),
    "zstd": (("rpmlib(PayloadIsZstd)", "5.4.18-1"),),
}
_MACHINES = {"i686": "i686", "armhf": "armv7hl", "powerpc64le": "ppc64le"}
_KINDS = {Folder: 0o040000, Link: 0o120000, File: 0o100000}


def rpm_architecture(system: str) -> str:
    machine = system.partition("-")[0]
    return _MACHINES.get(machine, machine)


class _Item(NamedTuple):
    """A file of the package; `digest` is that of its contents, if it has any."""

    entry: File | Folder | Link
    digest: str

    @property
    def mode(self) -> int:
        return _KINDS[type(self.entry)] | (0o777 if isinstance(self.entry, Link) else self.entry.mode)

    @property
    def size(self) -> int:
        if isinstance(self.entry, Link):
            return len(self.entry.target)
        return self.entry.size if isinstance(self.entry, File) else 4096


class _Header:
    """Collects entries, and puts them together with a region around them."""

    def __init__(self, region: int) -> None:
        self._region = region
        self._entries: list[tuple[int, int, int, bytes]] = []

    def numbers(self, tag: int, values: Sequence[int], kind: int = _INT32) -> None:
        letter = "I" if kind == _INT32 else "H"
        self._entries.append((tag, kind, len(values), struct.pack(f">{len(values)}{letter}", *values)))

    def text(self, tag: int, text: str | bytes, kind: int = _STRING) -> None:
        self._entries.append((tag, kind, 1, _encoded(text) + b"\0"))

    def texts(self, tag: int, texts: Sequence[str | bytes]) -> None:
        data = b"".join(_encoded(each) + b"\0" for each in texts)
        self._entries.append((tag, _STRINGS, len(texts), data))

    def bytes(self) -> bytes:
        index: list[bytes] = []
        data = bytearray()
        for tag, kind, count, value in sorted(self._entries):
            width = {_INT16: 2, _INT32: 4}.get(kind, 1)
            data += bytes(-len(data) % width)
            index.append(struct.pack(">IIII", tag, kind, len(data), count))
            data += value
        region = struct.pack(">IIII", self._region, _BINARY, len(data), 16)
        data += struct.pack(">IIiI", self._region, _BINARY, -16 * (len(index) + 1), 16)
        head = struct.pack(">QII", _HEADER_MAGIC, len(index) + 1, len(data))
        return head + region + b"".join(index) + bytes(data)


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def write_rpm(sink: int, contents: Contents, workers: Workers) -> None:
    """The package; what comes before the payload has a known size, and is filled in at the end."""
    items = _items(contents)
    size = sum(item.size for item in items if isinstance(item.entry, File))
    if size >= _LIMIT:
        raise BadPack(tr("rpm takes no more than 4 GiB of files"))
    options = contents.options
    start = _LEAD.size + len(_signature(b"", 0, 0)) + len(_header(options, items, "0" * 64))
    os.lseek(sink, start, os.SEEK_SET)
    stream = Stream(sink, method(options.compression), workers, hashed=True)
    _write_payload(stream, items)
    stream.close()
    header = _header(options, items, stream.digest.hexdigest() if stream.digest is not None else "")
    fields = dict(options.fields)
    label = f"{fields['Name']}-{fields['Version']}-1".encode()[:65]
    lead = _LEAD.pack(_LEAD_MAGIC, 3, 0, 0, 1, label, 1, 5)
    os.pwrite(sink, lead + _signature(header, stream.packed, stream.size) + header, 0)


def _items(contents: Contents) -> list[_Item]:
    """What the package owns: all files, and folders of the store; others belong to other packages."""
    top = os.fsencode(contents.closure.store_dir.strip("/").partition("/")[0])
    found: list[_Item] = []
    files: dict[bytes, _Item] = {}
    for entry in all_entries(contents):
        if isinstance(entry, Folder) and entry.name.partition(b"/")[0] != top:
            continue
        if isinstance(entry, HardLink):
            first = files[entry.target]
            found.append(first._replace(entry=first.entry._replace(name=entry.name)))
        elif isinstance(entry, File):
            item = files[entry.name] = _Item(entry, _digest(entry))
            found.append(item)
        else:
            found.append(_Item(entry, ""))
    return sorted(found, key=lambda item: item.entry.name)


def _digest(entry: File) -> str:
    hasher = sha256()
    if entry.file is None:
        hasher.update(entry.contents)
    else:
        with open(entry.file, "rb", buffering=0) as file:
            while data := file.read(1 << 20):
                hasher.update(data)
    return hasher.hexdigest()


def _signature(header: bytes, packed: int, size: int) -> bytes:
    """Digests of the header; the payload's stands in there."""
    signature = _Header(_SIGNATURES)
    signature.text(_SIG_SHA1, sha1(header).hexdigest())
    signature.text(_SIG_SHA256, sha256(header).hexdigest())
    signature.numbers(_SIG_SIZE, [len(header) + packed])
    signature.numbers(_SIG_PAYLOAD_SIZE, [size])
    data = signature.bytes()
    return data + bytes(-len(data) % 8)


def _header(options: PackOptions, items: Sequence[_Item], payload_digest: str) -> bytes:
    fields = dict(options.fields)
    header = _Header(_IMMUTABLE)
    header.texts(100, ["C"])
    for tag, text in (
        (1000, fields["Name"]),
        (1001, fields["Version"]),
        (1002, "1"),
        (1014, fields["License"]),
        (1020, fields.get("URL", "")),
        (1021, "linux"),
        (1022, fields["Architecture"]),
        (1044, f"{fields['Name']}-{fields['Version']}-1.src.rpm"),
        (1064, "4.14.0"),
        (1124, "cpio"),
        (1125, options.compression),
        (1126, "3"),
        (5062, "utf-8"),
    ):
        if text:
            header.text(tag, text)
    header.text(1004, fields["Summary"], _TRANSLATED)
    header.text(1005, fields["Summary"], _TRANSLATED)
    header.text(1016, "Unspecified", _TRANSLATED)
    header.numbers(1006, [MOMENT])
    header.numbers(1009, [sum(item.size for item in items if isinstance(item.entry, File))])
    header.numbers(5093, [_SHA256])
    header.texts(5092, [payload_digest])
    for name, script in options.scripts:
        body, interpreter = _SCRIPTS[name]
        header.text(body, script)
        header.text(interpreter, "/bin/sh")
    _put_relations(header, options)
    _put_files(header, items)
    return header.bytes()


def _put_relations(header: _Header, options: PackOptions) -> None:
    fields = dict(options.fields)
    version = f"{fields['Version']}-1"
    header.texts(1047, [fields["Name"]])
    header.numbers(1112, [_EQUAL])
    header.texts(1113, [version])
    features = sorted((*_FEATURES, *_COMPRESSED[options.compression]))
    header.texts(1049, [name for name, _ in features])
    header.numbers(1048, [_LESS_OR_EQUAL | _RPMLIB] * len(features))
    header.texts(1050, [version for _, version in features])


def _put_files(header: _Header, items: Sequence[_Item]) -> None:
    names = [b"/" + item.entry.name for item in items]
    folders = sorted({name.rpartition(b"/")[0] + b"/" for name in names})
    places = {folder: number for number, folder in enumerate(folders)}
    count = len(items)
    header.texts(1117, [name.rpartition(b"/")[2] for name in names])
    header.texts(1118, folders)
    header.numbers(1116, [places[name.rpartition(b"/")[0] + b"/"] for name in names])
    header.numbers(1028, [item.size for item in items])
    header.numbers(1030, [item.mode for item in items], _INT16)
    header.numbers(1033, [0] * count, _INT16)
    header.numbers(1034, [MOMENT] * count)
    header.texts(1035, [item.digest for item in items])
    header.texts(1036, [item.entry.target if isinstance(item.entry, Link) else b"" for item in items])
    header.numbers(1037, [0] * count)
    header.texts(1039, ["root"] * count)
    header.texts(1040, ["root"] * count)
    header.numbers(1045, [0xFFFFFFFF] * count)
    header.numbers(1095, [1] * count)
    header.numbers(1096, range(1, count + 1))
    header.texts(1097, [""] * count)
    header.numbers(5011, [_SHA256])


def _write_payload(stream: Stream, items: Iterable[_Item]) -> None:
    """A cpio archive: of each file 13 numbers in hexadecimal, name and contents, filled up to 4 bytes."""
    for number, item in enumerate(items, 1):
        entry = item.entry
        size = item.size if not isinstance(entry, Folder) else 0
        _write_head(stream, b"./" + entry.name, number, item.mode, size)
        if isinstance(entry, Link):
            stream.write(entry.target)
        elif isinstance(entry, File) and entry.file is not None:
            stream.write_file(entry.file, entry.size)
        elif isinstance(entry, File):
            stream.write(entry.contents)
        stream.write_zeros(-size % 4)
    _write_head(stream, b"TRAILER!!!", 0, 0, 0)


def _write_head(stream: Stream, name: bytes, number: int, mode: int, size: int) -> None:
    links = 1 if mode else 0
    fields = (
        number,
        mode,
        0,
        0,
        links,
        MOMENT if mode else 0,
        size,
        0,
        1 if mode else 0,
        0,
        0,
        len(name) + 1,
        0,
    )
    stream.write(b"070701" + b"".join(b"%08x" % field for field in fields) + name)
    stream.write_zeros(1 + -(111 + len(name)) % 4)
