"""Gzip without the clock: compressed documentation and archives that come out the same every time."""

from __future__ import annotations

import gzip
import os
import stat

from larix.buildside.file_errors import file_errors

__all__ = ["compress_file", "reset_gzip_timestamp"]

TIME = slice(4, 8)  # the modification time in a gzip header, RFC 1952


@file_errors("reset_gzip_timestamp")
def reset_gzip_timestamp(file: str | os.PathLike[str]) -> bool:
    """Zero the time in a gzip header, keeping the file's own time; tell whether the file changed."""
    status = os.lstat(file)
    if not stat.S_ISREG(status.st_mode):
        return False
    with open(file, "rb") as stream:
        header = stream.read(10)
    if len(header) < 10 or header[:2] != b"\x1f\x8b" or header[TIME] == bytes(4):
        return False
    if not status.st_mode & stat.S_IWUSR:
        os.chmod(file, stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
    with open(file, "r+b") as stream:
        stream.seek(4)
        stream.write(bytes(4))
    os.chmod(file, stat.S_IMODE(status.st_mode))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    return True


def compress_file(file: str | os.PathLike[str]) -> str:
    """Replace FILE by FILE.gz (best compression, no name and no time inside) and give the new name.

    A symbolic link becomes FILE.gz pointing to TARGET.gz.
    """
    name = os.fspath(file)
    target = f"{name}.gz"
    if os.path.islink(name):
        os.symlink(f"{os.readlink(name)}.gz", target)
    else:
        mode = stat.S_IMODE(os.stat(name).st_mode)
        with (
            open(name, "rb") as source,
            open(target, "xb") as raw,
            gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as sink,
        ):
            while chunk := source.read(1 << 20):
                sink.write(chunk)
        os.chmod(target, mode)
    os.unlink(name)
    return target
