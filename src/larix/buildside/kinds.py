"""What a file is: by its first bytes, its name, or what the file system says."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from larix.buildside.gnu import parallel_jobs

__all__ = [
    "compressor_for",
    "has_magic",
    "is_ar_file",
    "is_directory",
    "is_elf_file",
    "is_executable_file",
    "is_gzip_file",
    "is_png_file",
    "is_symbolic_link",
    "is_tarball",
    "xz_parallel_arguments",
]

FileName = str | os.PathLike[str]

COMPRESSORS = {
    "gz": "gzip",
    "tgz": "gzip",
    "Z": "gzip",
    "bz2": "bzip2",
    "tbz": "bzip2",
    "tbz2": "bzip2",
    "xz": "xz",
    "txz": "xz",
    "lzma": "xz",
    "lz": "lzip",
    "zst": "zstd",
    "tzst": "zstd",
}
SHORT_NAMES = (".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tlz")


def compressor_for(file: FileName) -> str | None:
    """The program that makes and undoes what the end of a file name promises."""
    return COMPRESSORS.get(os.fspath(file).rpartition(".")[2])


def is_tarball(file: FileName) -> bool:
    """Whether a name is that of a tar archive, compressed or not."""
    name = Path(file).name
    stem, _, ending = name.rpartition(".")
    return name.endswith((".tar", *SHORT_NAMES)) or (ending in COMPRESSORS and stem.endswith(".tar"))


def xz_parallel_arguments() -> list[str]:
    """Arguments with which xz uses all cores of the build and yet gives the same bytes with any number."""
    return [f"--threads={max(parallel_jobs(), 2)}", "--block-size=24MiB", "--no-adjust"]


def is_directory(file: FileName) -> bool:
    """A directory; a symbolic link to one too."""
    return os.path.isdir(file)


def is_symbolic_link(file: FileName) -> bool:
    return os.path.islink(file)


def is_executable_file(file: FileName) -> bool:
    """A regular file that its owner may execute; links are followed."""
    try:
        status = os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & stat.S_IXUSR)


def has_magic(magic: bytes) -> Callable[[FileName], bool]:
    """A test whether a regular file starts with some bytes; other kinds of files do not."""

    def starts_so(file: FileName) -> bool:
        if not os.path.isfile(file):
            return False
        with open(file, "rb") as stream:
            return stream.read(len(magic)) == magic

    return starts_so


is_png_file = has_magic(b"\x89PNG\r\n\x1a\n")
is_elf_file = has_magic(b"\x7fELF")
is_ar_file = has_magic(b"!<arch>\n")
is_gzip_file = has_magic(b"\x1f\x8b")
