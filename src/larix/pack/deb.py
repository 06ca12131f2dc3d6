r"""Packages for dpkg.

An `ar` archive: `!<arch>\n`, then members, each a header of 60 bytes (name 16, time 12, user 6, group 6, mode
8 in octal, size 10, end "`\n") and contents, filled up to an even length. `debian-binary` holds "2.0\n",
`control.tar.gz` the fields and the maintainer's scripts, `data.tar` with its compressor's extension the
files.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.pack.compression import EXTENSIONS, method
from larix.pack.content import all_entries
from larix.pack.entries import MOMENT, File, Folder, Link
from larix.pack.stream import Stream
from larix.pack.tar import tar_end, write_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larix.pack.content import Contents
    from larix.pack.entries import Entry
    from larix.pack.options import PackOptions
    from larix.pack.stream import Workers

__all__ = ["debian_architecture", "write_deb"]

_MAGIC = b"!<arch>\n"
_HEADER = 60
_ARCHITECTURES = {
    "x86_64": "amd64",
    "i686": "i386",
    "aarch64": "arm64",
    "armhf": "armhf",
    "powerpc64le": "ppc64el",
    "riscv64": "riscv64",
}


def debian_architecture(system: str) -> str:
    machine = system.partition("-")[0]
    return _ARCHITECTURES.get(machine, machine)


def write_deb(sink: int, contents: Contents, workers: Workers) -> None:
    """The package; `sink` must be a file, in which a size is filled in once it is known."""
    options = contents.options
    os.write(sink, _MAGIC + _header(b"debian-binary", 4) + b"2.0\n")
    place = os.lseek(sink, 0, os.SEEK_CUR)
    # `control` stands before the data and tells their size: the files are looked at for it first.
    control = _control(options, _kibibytes(all_entries(contents)))
    place = _Member(b"control.tar.gz", control, "gzip").write(sink, place, workers)
    name = f"data.tar{EXTENSIONS[options.compression]}".encode()
    _Member(name, _prefixed(all_entries(contents)), options.compression).write(sink, place, workers)


def _kibibytes(entries: Iterable[Entry]) -> int:
    """What Debian takes for the size of installed files: each file in whole KiB, all others one."""
    return sum(-(-each.size // 1024) if isinstance(each, File) else 1 for each in entries)


def _prefixed(entries: Iterable[Entry]) -> Iterator[Entry]:
    """With names that start with `./`, as dpkg's own archives have them."""
    yield Folder(b".")
    for entry in entries:
        named = entry._replace(name=b"./" + entry.name)
        yield (
            named if isinstance(named, (File, Folder, Link)) else named._replace(target=b"./" + named.target)
        )


def _control(options: PackOptions, size: int) -> list[Entry]:
    fields = dict(options.fields)
    fields.setdefault("Installed-Size", str(size))
    text = "".join(f"{name}: {value}\n" for name, value in fields.items()).encode()
    entries: list[Entry] = [Folder(b"."), File(b"./control", len(text), contents=text)]
    for name, script in options.scripts:
        contents = script.encode("utf-8", "surrogateescape")
        executable = name != "triggers"
        entries.append(File(f"./{name}".encode(), len(contents), executable, contents=contents))
    return entries


class _Member(NamedTuple):
    """A tar archive that is to be a member of the package."""

    name: bytes
    entries: Iterable[Entry]
    compression: str

    def write(self, sink: int, place: int, workers: Workers) -> int:
        """Write it at `place`, and give the place of the next one."""
        os.lseek(sink, place + _HEADER, os.SEEK_SET)
        stream = Stream(sink, method(self.compression), workers)
        write_entries(stream, self.entries)
        stream.write_zeros(tar_end(stream.size))
        stream.close()
        if stream.packed % 2:
            os.write(sink, b"\n")
        os.pwrite(sink, _header(self.name, stream.packed), place)
        return place + _HEADER + stream.packed + stream.packed % 2


def _header(name: bytes, size: int) -> bytes:
    return b"%-16b%-12d%-6d%-6d%-8b%-10d`\n" % (name, MOMENT, 0, 0, b"100644", size)
