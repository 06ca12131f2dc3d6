r"""Merge Debian binary packages into one tree that has no `usr`.

A `.deb` is an `ar` archive: the magic `!<arch>\n`, then members, each a header of 60 bytes (name in 16
bytes, size in decimal in 10 bytes at offset 48) and its contents, padded to an even length. The member
`data.tar`, compressed or not, holds the files. The maintainer's scripts in `control.tar` are never run.

What the tree looks like: `usr/X` and `X` are both `X`, `sbin` is `bin`, `lib64` is the folder of the
architecture's libraries, and `usr` is a link to `.`, so that names like `usr/include` still resolve. A link
is rewritten so that it points, relatively, to where its target has gone. Links to files that were skipped
are left out. Owners, times and set-id bits are not taken over.

The result depends on the packages alone, not on their order: two that bring the same name are refused.
"""

from __future__ import annotations

import bz2
import lzma
import os
import posixpath
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from tarfile import TarFile, TarInfo

__all__ = ["BadDebianPackage", "unpack_debs"]

_LOADED_BY_TARFILE_WHEN_NEEDED = (bz2, lzma, zlib)  # when larix's own files may be out of reach
_MAGIC = b"!<arch>\n"
_HEADER_SIZE = 60
_CHUNK = 1 << 20
_STREAM_MODES = {"data.tar.xz": "r|xz", "data.tar.gz": "r|gz", "data.tar.bz2": "r|bz2", "data.tar": "r|"}
_MOVED = (("sbin", "bin"), ("lib64", "lib/x86_64-linux-gnu"))


class BadDebianPackage(LarixError):
    """A file is no Debian package, or brings what cannot be merged."""

    exit_code = 100

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(tr("cannot unpack `{file}`: {problem}", file=file, problem=problem))
        self.file = file
        self.problem = problem


def unpack_debs(output: str, debs: Iterable[str], skip: Iterable[str] = ()) -> None:
    """Make the folder `output` and unpack `debs` into it.

    `skip` names files and folders of the packages, as they stand there (`usr/share/doc`), to be left out.
    """
    merge = _Merge(output, skip)
    os.mkdir(output)
    for deb in debs:
        merge.add_package(deb)
    merge.make_links()


class _Section:
    """The part of an open file that one `ar` member fills: what `tarfile` needs to read a stream."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


def _data_member(deb: str, file: IO[bytes]) -> tuple[str, _Section]:
    """Go to the member that holds the files; give `tarfile`'s mode for it and its contents."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise BadDebianPackage(deb, tr("it is not an `ar` archive"))
    while header := file.read(_HEADER_SIZE):
        name = header[:16].decode("ascii", "replace").rstrip(" /")
        digits = header[48:58].rstrip(b" ")
        if len(header) != _HEADER_SIZE or not digits.isdigit():
            raise BadDebianPackage(deb, tr("it has a damaged `ar` header"))
        size = int(digits)
        if name in _STREAM_MODES:
            return _STREAM_MODES[name], _Section(file, size)
        if name.startswith("data.tar"):
            raise BadDebianPackage(
                deb, tr("its files are packed as `{name}`, which is not supported", name=name)
            )
        file.seek(size + size % 2, os.SEEK_CUR)
    raise BadDebianPackage(deb, tr("it has no member `data.tar`"))


def _open_stream(section: _Section, mode: str) -> TarFile:
    # `tarfile`'s types know its modes as literals only, and of files less than it needs.
    return cast("TarFile", cast("Any", tarfile).open(mode=mode, fileobj=section))


class _Merge:
    """The tree as it grows. Symbolic links wait until all packages are in: then it is known which stay."""

    def __init__(self, output: str, skip: Iterable[str]) -> None:
        self._output = output
        self._skip = tuple(skip)
        self._links: dict[str, tuple[str, str]] = {}

    def add_package(self, deb: str) -> None:
        try:
            with open(deb, "rb") as file:
                mode, section = _data_member(deb, file)
                with _open_stream(section, mode) as archive:
                    for entry in archive:
                        self._add_entry(deb, archive, entry)
        except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
            raise BadDebianPackage(deb, str(error)) from error

    def make_links(self) -> None:
        """Make the links that have waited; a file that has a link's name was what the link pointed to."""
        for place, (name, linkname) in sorted(self._links.items()):
            full = posixpath.normpath(posixpath.join("/", posixpath.dirname(name), linkname))
            target = self._place(full.lstrip("/"))
            link = os.path.join(self._output, place)
            if target is None or target == place or os.path.lexists(link):
                continue
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(posixpath.relpath("/" + target, "/" + posixpath.dirname(place)), link)
        os.symlink(".", os.path.join(self._output, "usr"))

    def _place(self, name: str) -> str | None:
        """Where the file `name` of a package goes, relative to the tree; None: nowhere."""
        for prefix in self._skip:
            if name == prefix or name.startswith(prefix + "/"):
                return None
        if name == "usr":
            return ""
        name = name.removeprefix("usr/")
        for old, new in _MOVED:
            if name == old or name.startswith(old + "/"):
                return new + name[len(old) :]
        return name

    def _add_entry(self, deb: str, archive: TarFile, entry: TarInfo) -> None:
        name = _clean_name(deb, entry.name)
        place = self._place(name)
        if not place:
            return
        if entry.isdir():
            os.makedirs(os.path.join(self._output, place), exist_ok=True)
        elif entry.issym():
            if self._links.setdefault(place, (name, entry.linkname)) != (name, entry.linkname):
                raise BadDebianPackage(deb, tr("another package has brought `{place}` already", place=place))
        elif entry.isfile() and (contents := archive.extractfile(entry)) is not None:
            self._write(deb, place, contents, executable=entry.mode & 0o111 != 0)
        elif entry.islnk():
            source = self._place(_clean_name(deb, entry.linkname))
            if not source:
                raise BadDebianPackage(
                    deb, tr("`{name}` is a hard link to a file that is left out", name=name)
                )
            with open(os.path.join(self._output, source), "rb") as contents:
                executable = os.stat(contents.fileno()).st_mode & 0o111 != 0
                self._write(deb, place, contents, executable=executable)
        else:
            raise BadDebianPackage(deb, tr("`{name}` is neither a file nor a folder nor a link", name=name))

    def _write(self, deb: str, place: str, contents: IO[bytes], *, executable: bool) -> None:
        target = os.path.join(self._output, place)
        if os.path.lexists(target):
            raise BadDebianPackage(deb, tr("another package has brought `{place}` already", place=place))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "xb") as file:
            while chunk := contents.read(_CHUNK):
                file.write(chunk)
        os.chmod(target, 0o755 if executable else 0o644)


def _clean_name(deb: str, name: str) -> str:
    """Give the name of an entry without `./`; one that leaves the tree is refused."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BadDebianPackage(deb, tr("`{name}` leaves the tree", name=name))
    return "/".join(parts)
