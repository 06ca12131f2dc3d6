"""Files and links replaced in one step: whoever looks sees the old or the new, never half of one."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator
from typing import IO

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import file_errors

__all__ = ["atomic_replacement", "copy_stream", "set_file_time", "switch_symlink", "temporary_output_file"]

FileName = str | os.PathLike[str]


@file_errors("switch_symlink")
def switch_symlink(link: FileName, target: FileName) -> None:
    """Make `link` lead to `target`, whether it is there already or not."""
    name = os.fspath(link)
    if os.path.lexists(name) and not os.path.islink(name):
        raise BuildSideError(f"switch_symlink: `{name}` is there and no symbolic link")
    temporary = f"{name}.larix-new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(target, temporary)
    os.replace(temporary, name)


@contextlib.contextmanager
def atomic_replacement(file: FileName) -> Generator[tuple[IO[bytes], IO[bytes]], None, None]:
    """Give the file to read and a new one to write, which takes its place and mode at the end.

    When the block raises, the file stays as it was.
    """
    name = os.fspath(file)
    temporary = f"{name}.larix-new"
    try:
        with file_errors("atomic_replacement"):
            old = open(name, "rb")  # noqa: SIM115
        with old, open(temporary, "xb") as new:
            os.fchmod(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
            yield old, new
        os.replace(temporary, name)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def temporary_output_file(directory: FileName = ".") -> Generator[tuple[str, IO[bytes]], None, None]:
    """The name of a new file in a directory, and the file to write; it is gone at the end if still there."""
    number = 0
    while True:
        name = os.path.join(directory, f".larix-temporary-{os.getpid()}-{number}")
        try:
            stream = open(name, "x+b")  # noqa: SIM115  (it is closed below)
            break
        except FileExistsError:
            number += 1
    try:
        with stream:
            yield name, stream
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


@file_errors("set_file_time")
def set_file_time(file: FileName, like: os.stat_result | FileName) -> None:
    """Give a file the times of another, or those of a status; of a link, its own."""
    status = like if isinstance(like, os.stat_result) else os.lstat(like)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def copy_stream(
    source: IO[bytes], sink: IO[bytes], *, length: int | None = None, buffer: int = 1 << 16
) -> int:
    """Copy all that is left of a stream, or `length` bytes of it; how many were copied."""
    count = 0
    while length is None or count < length:
        chunk = source.read(buffer if length is None else min(buffer, length - count))
        if not chunk:
            break
        sink.write(chunk)
        count += len(chunk)
    return count
