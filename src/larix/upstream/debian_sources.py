"""Debian's source indexes: what every source package of a suite is made of, needs and builds.

An index is fetched from a mirror that this machine uses, reduced to the fields that matter here, and kept in
the user's cache; a day later the server is asked whether it has changed.
"""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import re
import time
from functools import cache, cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from larix.builder.builtins.mirrors import apt_sources, shown
from larix.builder.builtins.sources import SUITES
from larix.builder.builtins.transfer import Buffer, TransferError
from larix.packages.versions import version_key
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from larix.upstream.web import Web

__all__ = ["SourceFile", "SourceIndex", "SourcePackage", "open_indexes", "upstream_version"]

_FRESH_SECONDS = 24 * 3600
_FORMAT = "1"
_KEPT = (
    b"Package:",
    b"Binary:",
    b"Version:",
    b"Build-Depends:",
    b"Build-Depends-Indep:",
    b"Build-Depends-Arch:",
    b"Homepage:",
    b"Directory:",
    b"Checksums-Sha256:",
)


class SourceFile(NamedTuple):
    """A file of a source package; `place` is below `debian://`."""

    place: str
    sha256: str

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]


class SourcePackage:
    """One paragraph of an index."""

    def __init__(self, suite: str, fields: Mapping[str, str]) -> None:
        self.suite = suite
        self._fields = fields

    @property
    def name(self) -> str:
        return self._fields.get("package", "")

    @property
    def version(self) -> str:
        """Debian's own, with its revision."""
        return self._fields.get("version", "")

    @property
    def home_page(self) -> str | None:
        return self._fields.get("homepage")

    @property
    def binaries(self) -> tuple[str, ...]:
        return tuple(word for word in re.split(r"[,\s]+", self._fields.get("binary", "")) if word)

    @property
    def files(self) -> tuple[SourceFile, ...]:
        directory = self._fields.get("directory", "")
        rows = [line.split() for line in self._fields.get("checksums-sha256", "").split("\n")]
        return tuple(SourceFile(f"{directory}/{row[2]}", row[0]) for row in rows if len(row) == 3)

    @property
    def archive(self) -> SourceFile | None:
        """Upstream's archive, or that of a package without one."""
        archives = [each for each in self.files if re.search(r"\.tar\.(?:gz|xz|bz2|lzma)$", each.name)]
        main = [each for each in archives if re.search(r"\.orig\.tar\.\w+$", each.name)]
        native = [each for each in archives if "debian.tar" not in each.name and ".orig" not in each.name]
        return next(iter([*main, *native]), None)

    @property
    def packaging(self) -> SourceFile | None:
        """The archive of Debian's own files."""
        return next((each for each in self.files if ".debian.tar." in each.name), None)

    @property
    def build_depends(self) -> tuple[str, ...]:
        """Names of binary packages, the first of alternatives, without those for tests or documentation."""
        names: dict[str, None] = {}
        for field in ("build-depends", "build-depends-arch"):
            for clause in self._fields.get(field, "").split(","):
                first = clause.partition("|")[0].strip()
                match = re.match(r"[a-z0-9][a-z0-9+.-]*", first)
                if match is not None and not re.search(r"<(?!!)", first):
                    names[match[0]] = None
        return tuple(names)


def upstream_version(version: str) -> str:
    """`1.2` of `1:1.2-3`."""
    return (
        version.partition(":")[2].rpartition("-")[0]
        if ":" in version
        else (version.rpartition("-")[0] or version)
    )


class SourceIndex:
    """The source packages of one suite; `data` is the reduced text."""

    def __init__(self, suite: str, data: bytes) -> None:
        self.suite = suite
        self._data = data

    def find(self, name: str) -> list[SourcePackage]:
        """All versions of a source package that the suite has, the newest first."""
        needle = f"\nPackage: {name}\n".encode()
        found: list[SourcePackage] = []
        start = self._data.find(needle)
        while start >= 0:
            found.append(SourcePackage(self.suite, self._paragraph(start + 1)))
            start = self._data.find(needle, start + 1)
        return sorted(found, key=lambda each: version_key(each.version), reverse=True)

    def names(self) -> list[str]:
        return [each.decode() for each in re.findall(rb"^Package: (.+)$", self._data, re.MULTILINE)]

    @cached_property
    def sources_of_binaries(self) -> dict[str, str]:
        """Which source package a binary package is made of."""
        found: dict[str, str] = {}
        for paragraph in self._data.split(b"\n\n"):
            fields = _fields(paragraph.decode("utf-8", "replace"))
            for binary in re.split(r"[,\s]+", fields.get("binary", "")):
                if binary:
                    found[binary] = fields.get("package", "")
        return found

    def _paragraph(self, start: int) -> dict[str, str]:
        end = self._data.find(b"\n\n", start)
        return _fields(self._data[start : end if end >= 0 else None].decode("utf-8", "replace"))


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line[:1] in {" ", "\t"}:
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}".strip("\n")
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def open_indexes(web: Web, *, suites: Sequence[str] = ()) -> Iterator[SourceIndex]:
    """The indexes of `suites`, or of those that apt names and the usual ones; DownloadFailed for none."""
    causes: dict[str, str] = {}
    any_opened = False
    for suite in suites or _suites():
        try:
            data = _data(web, suite)
        except DownloadFailed as error:
            causes |= error.causes
        else:
            any_opened = True
            yield SourceIndex(suite, data)
    if not any_opened:
        raise DownloadFailed("debian://dists", causes)


def _suites() -> tuple[str, ...]:
    configured = [
        suite
        for source in apt_sources("/etc/apt")
        for suite in source.suites
        if re.fullmatch(r"[a-z]+", suite)
    ]
    return tuple(dict.fromkeys([*SUITES, *configured]))


@cache
def _data(web: Web, suite: str) -> bytes:
    """The reduced index of a suite, from the cache when that is fresh or the server has nothing newer."""
    causes: dict[str, str] = {}
    for base in web.debian:
        url = f"{base.rstrip('/')}/dists/{suite}/main/source/Sources.xz"
        try:
            return _of_mirror(web, url)
        except TransferError as error:
            causes[shown(url)] = error.cause
    raise DownloadFailed(f"debian://dists/{suite}/main/source/Sources.xz", causes)


def _of_mirror(web: Web, url: str) -> bytes:
    file = os.path.join(_cache_directory(), sha256(f"{_FORMAT} {url}".encode()).hexdigest()[:32])
    kept = _read(file)
    described = _read(f"{file}.json")
    validators: dict[str, str] = json.loads(described) if described and kept else {}
    if kept is not None and time.time() - os.stat(file).st_mtime < _FRESH_SECONDS:
        return kept
    buffer = Buffer()
    try:
        fresh = web.fetcher.conditional(url, validators, buffer)
        if fresh is None and kept is not None:
            os.utime(file)
            return kept
        reduced = _reduced(lzma.decompress(buffer.read()))
    except TransferError:
        if kept is not None:
            return kept
        raise
    except lzma.LZMAError as error:
        raise TransferError(tr("its source index is damaged")) from error
    _write(file, reduced)
    _write(f"{file}.json", json.dumps(fresh or {}).encode())
    return reduced


def _reduced(index: bytes) -> bytes:
    """An index with nothing but the fields that are looked at; an empty line begins it, too."""
    lines: list[bytes] = [b""]
    is_kept = False
    for line in index.splitlines():
        if line[:1] not in {b" ", b"\t"}:
            is_kept = not line or line.startswith(_KEPT)
        if is_kept:
            lines.append(line)
    return b"\n".join(lines) + b"\n"


def _cache_directory() -> str:
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "larix", "debian")


def _read(file: str) -> bytes | None:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def _write(file: str, data: bytes) -> None:
    """A cache that cannot be written costs time and nothing else."""
    temporary = f"{file}.{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(temporary, "wb") as stream:
            stream.write(data)
        os.replace(temporary, file)
