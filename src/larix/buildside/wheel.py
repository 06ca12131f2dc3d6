"""Wheels installed: the binary distribution format of Python, version 1, unpacked as its specification says.

A wheel is a zip file NAME-VERSION-TAGS.whl. At its top stand what goes to the site directory, one directory
NAME-VERSION.dist-info, and perhaps NAME-VERSION.data, whose sub-directories say where else their files go.
RECORD in dist-info lists every file with its hash; a wheel that does not agree with it is refused.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from larix.buildside.failure import BuildSideError

__all__ = ["BadWheel", "Places", "install_wheel"]

SIGNATURES = ("RECORD.jws", "RECORD.p7s")
SHEBANG = re.compile(rb"#!pythonw?[ \t]*(?=[\r\n]|\Z)")


class BadWheel(BuildSideError):
    """The file is no wheel, contradicts itself, or would put files where they do not belong."""

    def __init__(self, wheel: str | os.PathLike[str], cause: str) -> None:
        super().__init__(f"cannot install `{os.fspath(wheel)}`: {cause}")


class Places(NamedTuple):
    """Where the files of a wheel go; modules of either kind stand in `site`."""

    site: Path
    programs: Path
    headers: Path
    data: Path

    def of(self, kind: str, distribution: str) -> Path | None:
        places = {
            "purelib": self.site,
            "platlib": self.site,
            "scripts": self.programs,
            "headers": self.headers / distribution,
            "data": self.data,
        }
        return places.get(kind)


def install_wheel(
    wheel: str | os.PathLike[str], places: Places, *, interpreter: str | os.PathLike[str]
) -> Path:
    """Unpack a wheel and give its dist-info directory.

    Scripts get `interpreter` in their first line. Programs for entry points are not made here, nor bytecode.
    A file that is already there is an error: it belongs to another distribution.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return _install(wheel, archive, places, os.fspath(interpreter))
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
        raise BadWheel(wheel, str(error) or type(error).__name__) from error


def _install(
    wheel: str | os.PathLike[str], archive: zipfile.ZipFile, places: Places, interpreter: str
) -> Path:
    files = [each for each in archive.infolist() if not each.is_dir()]
    information = _information_directory(wheel, files)
    distribution = information.removesuffix(".dist-info").partition("-")[0]
    _check_version(wheel, archive.read(f"{information}/WHEEL"))
    record = _read_record(wheel, archive.read(f"{information}/RECORD"))
    installed: list[tuple[Path, bytes]] = []
    for member in files:
        name = member.filename
        if name.startswith(f"{information}/") and name.rpartition("/")[2] in {"RECORD", *SIGNATURES}:
            continue
        contents = archive.read(member)
        _check_hash(wheel, name, contents, record)
        target, is_script = _target(wheel, name, information, places, distribution)
        if is_script:
            contents = SHEBANG.sub(lambda _: b"#!" + os.fsencode(interpreter), contents, count=1)
        is_executable = is_script or bool(member.external_attr >> 16 & 0o111)
        _write(wheel, target, contents, is_executable=is_executable)
        installed.append((target, contents))
    directory = places.site / information
    _write(wheel, directory / "INSTALLER", b"larix\n", is_executable=False)
    installed.append((directory / "INSTALLER", b"larix\n"))
    rows = _record_rows(places.site, installed, directory / "RECORD")
    (directory / "RECORD").write_text(rows, encoding="utf-8", newline="")
    return directory


def _information_directory(wheel: str | os.PathLike[str], files: Iterable[zipfile.ZipInfo]) -> str:
    tops = {each.filename.partition("/")[0] for each in files}
    found = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(found) != 1:
        raise BadWheel(wheel, f"it has {len(found)} dist-info directories instead of one")
    return found[0]


def _check_version(wheel: str | os.PathLike[str], contents: bytes) -> None:
    version = HeaderParser().parsestr(contents.decode()).get("Wheel-Version", "")
    if version.partition(".")[0] != "1":
        raise BadWheel(wheel, f"its format has the version `{version}`; known is 1")


def _read_record(wheel: str | os.PathLike[str], contents: bytes) -> dict[str, tuple[str, str]]:
    """Algorithm and digest by name; the hashes of RECORD itself are empty."""
    found: dict[str, tuple[str, str]] = {}
    for row in csv.reader(io.StringIO(contents.decode())):
        if len(row) != 3:
            raise BadWheel(wheel, f"its RECORD has a line of {len(row)} fields: {','.join(row)}")
        algorithm, _, digest = row[1].partition("=")
        found[row[0]] = algorithm, digest
    return found


def _check_hash(
    wheel: str | os.PathLike[str], name: str, contents: bytes, record: dict[str, tuple[str, str]]
) -> None:
    if name not in record:
        raise BadWheel(wheel, f"`{name}` is not in its RECORD")
    algorithm, digest = record[name]
    if algorithm not in {"sha256", "sha384", "sha512"}:
        raise BadWheel(wheel, f"`{name}` has a hash of the kind `{algorithm}`; sha256 and above are allowed")
    found = _digest(contents, algorithm)
    if found != digest:
        raise BadWheel(wheel, f"`{name}` has the hash {found} and should have {digest}")


def _digest(contents: bytes, algorithm: str = "sha256") -> str:
    raw = hashlib.new(algorithm, contents).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _target(
    wheel: str | os.PathLike[str], name: str, information: str, places: Places, distribution: str
) -> tuple[Path, bool]:
    """Where a member goes, and whether it is a script."""
    parts = name.split("/")
    if name.startswith("/") or any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise BadWheel(wheel, f"member `{name}` would land outside")
    if parts[0] != f"{information.removesuffix('.dist-info')}.data":
        return places.site.joinpath(*parts), False
    place = places.of(parts[1], distribution) if len(parts) > 2 else None
    if place is None:
        raise BadWheel(wheel, f"member `{name}` is of no known kind")
    return place.joinpath(*parts[2:]), parts[1] == "scripts"


def _write(wheel: str | os.PathLike[str], target: Path, contents: bytes, *, is_executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as stream:
            stream.write(contents)
    except FileExistsError as error:
        raise BadWheel(wheel, f"`{target}` is there already") from error
    target.chmod(0o755 if is_executable else 0o644)


def _record_rows(site: Path, installed: Iterable[tuple[Path, bytes]], record: Path) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows = [
        (os.path.relpath(file, site), f"sha256={_digest(contents)}", str(len(contents)))
        for file, contents in installed
    ]
    rows.append((os.path.relpath(record, site), "", ""))
    writer.writerows(sorted(rows))
    return stream.getvalue()
