"""Sources unpacked: tar in every compression, zip, directories and single files.

Times of the archive are kept (make compares them), owners are not, modes are reduced to what a source needs.
A member that would land outside, or that is a device, is an error: archives come from strangers.
"""

from __future__ import annotations

import calendar
import contextlib
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import file_errors
from larix.buildside.files import copy_recursively, mkdir_p

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UnpackError", "source_directory", "unpack"]

# What the standard library cannot decompress, by magic number: the program that can.
PROGRAMS = {
    b"\x28\xb5\x2f\xfd": ("zstd", "-dc"),
    b"LZIP": ("lzip", "-dc"),
    b"\x1f\x9d": ("gzip", "-dc"),
}
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


class UnpackError(BuildSideError):
    """The archive is damaged, of an unknown kind, or has a member that must not be unpacked."""

    def __init__(self, archive: str, cause: str) -> None:
        super().__init__(f"cannot unpack `{archive}`: {cause}")


def unpack(source: str | os.PathLike[str], destination: str | os.PathLike[str]) -> None:
    """Put what `source` holds into a directory, which is made; a file that is no archive is copied there."""
    name, target = os.fspath(source), os.fspath(destination)
    mkdir_p(target)
    if os.path.isdir(name):
        copy_recursively(name, target, keep_times=True)
        return
    with file_errors("unpack"), open(name, "rb") as stream:
        magic = stream.read(8)
    program = next((command for start, command in PROGRAMS.items() if magic.startswith(start)), None)
    try:
        if magic.startswith(ZIP_MAGIC):
            _unpack_zip(name, target)
        elif program is not None:
            _unpack_through(program, name, target)
        elif tarfile.is_tarfile(name):
            with tarfile.open(name) as archive:
                _unpack_tar(name, archive, target)
        else:
            copy_recursively(name, os.path.join(target, _plain_name(name)), keep_times=True)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise UnpackError(name, str(error) or type(error).__name__) from error


def source_directory(directory: str | os.PathLike[str]) -> Path:
    """The one directory that an archive unpacked to, or `directory` itself when there is more at its top."""
    names = os.listdir(directory)
    if len(names) == 1 and (Path(directory) / names[0]).is_dir():
        return Path(directory) / names[0]
    return Path(directory)


def _plain_name(name: str) -> str:
    """A store file's name without its hash."""
    base = os.path.basename(name)
    return base[33:] if len(base) > 33 and base[32] == "-" and base[:32].isalnum() else base


def _unpack_through(command: tuple[str, ...], name: str, target: str) -> None:
    try:
        process = subprocess.Popen([*command, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except FileNotFoundError as error:
        cause = f"it needs `{command[0]}`, which is not among the inputs"
        raise UnpackError(name, cause) from error
    with (
        process,
        contextlib.closing(process.stdout) if process.stdout else contextlib.nullcontext() as stream,
    ):
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            _unpack_tar(name, archive, target)
        while stream is not None and stream.read(1 << 16):
            pass  # what follows the end marker, so that the program does not die of a closed pipe
    if process.returncode:
        raise UnpackError(name, f"`{command[0]}` ended with status {process.returncode}")


def _unpack_tar(name: str, archive: tarfile.TarFile, target: str) -> None:
    directories: list[tuple[str, float]] = []
    for member in archive:
        file = _inside(name, target, member.name)
        if member.isdir():
            os.makedirs(file, exist_ok=True)
            directories.append((file, member.mtime))
            continue
        _make_room(name, target, file)
        if member.issym():
            _check_link(name, member.name, member.linkname)
            os.symlink(member.linkname, file)
        elif member.islnk():
            os.link(_inside(name, target, member.linkname), file, follow_symlinks=False)
        elif member.isreg():
            contents = archive.extractfile(member)
            if contents is None:
                raise UnpackError(name, f"`{member.name}` has no contents")
            _write(contents, file, member.mode, member.mtime)
        else:
            raise UnpackError(name, f"`{member.name}` is a device or something as strange")
    for directory, when in reversed(directories):
        os.utime(directory, (when, when))


def _unpack_zip(name: str, target: str) -> None:
    with zipfile.ZipFile(name) as archive:
        for member in archive.infolist():
            file = _inside(name, target, member.filename)
            mode = member.external_attr >> 16
            if member.is_dir():
                os.makedirs(file, exist_ok=True)
                continue
            _make_room(name, target, file)
            if stat.S_ISLNK(mode):
                text = os.fsdecode(archive.read(member))
                _check_link(name, member.filename, text)
                os.symlink(text, file)
                continue
            when = _zip_time(member.date_time)
            with archive.open(member) as contents:
                _write(contents, file, mode or 0o644, when)


def _zip_time(fields: tuple[int, int, int, int, int, int]) -> float:
    """Zip knows local time without a zone, which is taken for UTC."""
    return calendar.timegm((*fields, 0, 0, 0))


def _write(contents: IO[bytes], file: str, mode: int, when: float) -> None:
    with open(file, "xb") as sink:
        while chunk := contents.read(1 << 20):
            sink.write(chunk)
    os.chmod(file, 0o755 if mode & 0o100 else 0o644)
    os.utime(file, (when, when))


def _inside(name: str, target: str, member: str) -> str:
    parts = [part for part in member.split("/") if part not in {"", "."}]
    if member.startswith("/") or ".." in parts or "\0" in member:
        raise UnpackError(name, f"member `{member}` would land outside")
    return os.path.join(target, *parts)


def _check_link(name: str, member: str, linkname: str) -> None:
    """Links may be absolute, as nothing is ever written through them: see `_make_room`."""
    if not linkname or "\0" in linkname:
        raise UnpackError(name, f"link `{member}` points nowhere")


def _make_room(name: str, target: str, file: str) -> None:
    """Make the directory of a member, refusing to pass through a link that an earlier member made."""
    parent = os.path.dirname(file)
    for part in _parents(target, parent):
        if os.path.islink(part):
            raise UnpackError(name, f"member `{os.path.relpath(file, target)}` stands behind a link")
    os.makedirs(parent, exist_ok=True)
    if os.path.lexists(file):
        if os.path.isdir(file) and not os.path.islink(file):
            raise UnpackError(name, f"member `{os.path.relpath(file, target)}` is a file and a directory")
        os.unlink(file)


def _parents(top: str, directory: str) -> Iterator[str]:
    while len(directory) > len(top):
        yield directory
        directory = os.path.dirname(directory)
