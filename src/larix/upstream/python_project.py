"""Python projects: the versions of their source archives, and what such an archive says of itself."""

from __future__ import annotations

import email.parser
import re
import tarfile
import tomllib
import zipfile
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from larix.builder.builtins.simple_index import normal_name
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

    from larix.builder.builtins.simple_index import IndexFile

__all__ = ["BadArchive", "SourceArchive", "parse_metadata", "source_files"]

_ENDINGS = (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".zip")  # best first
_MOST = 1 << 24


class BadArchive(LarixError):
    """A source archive cannot be read."""


def source_files(files: Iterable[IndexFile], project: str) -> dict[str, IndexFile]:
    """The source archives by version; of several for one version, the best compressed as usual."""
    found: dict[str, tuple[int, IndexFile]] = {}
    for file in files:
        rank, stem = next(
            (
                (number, file.name.removesuffix(ending))
                for number, ending in enumerate(_ENDINGS)
                if file.name.endswith(ending)
            ),
            (-1, ""),
        )
        version = _version(stem, project) if rank >= 0 else None
        if version is not None and (version not in found or rank < found[version][0]):
            found[version] = rank, file
    return {version: file for version, (_, file) in found.items()}


def _version(stem: str, project: str) -> str | None:
    """What follows the project's name, however that is spelled: a hyphen, then a version."""
    wanted = normal_name(project)
    for match in re.finditer("-", stem):
        name, version = stem[: match.start()], stem[match.end() :]
        if normal_name(name) == wanted and re.match(r"v?[0-9]", version):
            return version
    return None


def parse_metadata(data: bytes) -> Message:
    """A METADATA or PKG-INFO file: fields as in a letter, the long description as its body."""
    return email.parser.Parser().parsestr(data.decode("utf-8", "replace"))


class SourceArchive:
    """The files of a source archive that matter here, by their names below its top folder."""

    def __init__(self, file: str, shown: str) -> None:
        self._names: list[str] = []
        self._texts: dict[str, bytes] = {}
        try:
            for name, data in _members(file):
                below = name.partition("/")[2]
                self._names.append(below)
                if data is not None:
                    self._texts.setdefault(below, data)
        except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            told = str(error).partition("\n")[0].rstrip(":")
            raise BadArchive(tr("`{shown}` cannot be read: {told}", shown=shown, told=told)) from error

    @property
    def metadata(self) -> Message:
        return parse_metadata(self._texts.get("PKG-INFO", b""))

    @cached_property
    def project(self) -> dict[str, Any]:
        """`pyproject.toml`; one that is damaged counts as none."""
        try:
            return tomllib.loads(self._texts.get("pyproject.toml", b"").decode("utf-8", "replace"))
        except tomllib.TOMLDecodeError:
            return {}

    def table(self, *names: str) -> dict[str, Any]:
        found: Any = self.project
        for name in names:
            found = cast("dict[str, Any]", found).get(name, {}) if isinstance(found, dict) else {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def build_requirements(self) -> list[str]:
        listed = self.table("build-system").get("requires")
        return strings(listed) if listed is not None else ["setuptools"]

    def run_requirements(self) -> list[str]:
        """What the archive's own metadata tells, and where that is silent, the files it was made from."""
        told = self.metadata.get_all("Requires-Dist")
        if told:
            return [str(each) for each in told]
        listed = strings(self.table("project").get("dependencies"))
        optional = {
            extra: strings(needed) for extra, needed in self.table("project", "optional-dependencies").items()
        }
        listed += [_for_extra(each, extra) for extra, needed in optional.items() for each in needed]
        if listed:
            return listed
        for name, data in self._texts.items():
            if name.endswith(".egg-info/requires.txt"):
                return list(_of_requires_txt(data.decode("utf-8", "replace")))
        return []

    @property
    def test_requirements(self) -> list[str]:
        """Of the dependency groups that projects keep for their tests."""
        groups = self.table("dependency-groups")
        return [
            each
            for name in ("test", "tests", "testing")
            for each in strings(groups.get(name))
            if each.strip()
        ]

    @property
    def has_tests(self) -> bool:
        return any(re.search(r"(^|/)(test_[^/]*|[^/]*_test|tests?)\.py$", name) for name in self._names)


def strings(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    return [each for each in cast("list[object]", value) if isinstance(each, str)]


def _for_extra(requirement: str, extra: str) -> str:
    wanted, semicolon, marker = requirement.partition(";")
    both = f"({marker.strip()}) and extra == '{extra}'" if semicolon else f"extra == '{extra}'"
    return f"{wanted.strip()} ; {both}"


def _of_requires_txt(text: str) -> Iterator[str]:
    """Lines, after headings such as `[extra]` and `[extra:marker]`."""
    extra = marker = ""
    for line in text.splitlines():
        heading = re.fullmatch(r"\[([^:\]]*)(?::(.*))?\]", line.strip())
        if heading is not None:
            extra, marker = heading[1], heading[2] or ""
        elif line.strip():
            plain = f"{line.strip()} ; {marker}" if marker else line.strip()
            yield _for_extra(plain, extra) if extra else plain


def _members(file: str) -> Iterator[tuple[str, bytes | None]]:
    """Names, and the contents of those that are looked at."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                is_small = archive.getinfo(name).file_size <= _MOST
                yield name, archive.read(name) if _is_read(name) and is_small else None
        return
    with tarfile.open(file) as archive:
        for entry in archive:
            stream = archive.extractfile(entry) if entry.isfile() and _is_read(entry.name) else None
            yield entry.name, stream.read(_MOST) if stream is not None else None


def _is_read(name: str) -> bool:
    below = name.partition("/")[2]
    return below in {"PKG-INFO", "pyproject.toml"} or below.endswith(".egg-info/requires.txt")
