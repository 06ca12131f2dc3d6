"""The directories where programs look for their libraries: checked, and cut down to those needed.

No loader cache or /lib exists in a build or for what it makes: each NEEDED library must stand in a directory
of the RUNPATH of the very file that needs it (RUNPATH is not inherited), or beside the loader of a program.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from larix.buildside.elf import Elf, is_elf, read_elf
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RunpathError", "missing_libraries", "shrink_runpath", "validate_runpath"]

LOADER_PREFIXES = ("ld-linux", "ld64.so", "ld.so", "ld-musl")


class RunpathError(BuildSideError):
    """Some programs or libraries would not find what they are linked against."""


def missing_libraries(file: Path, elf: Elf) -> list[str]:
    """The NEEDED names that no directory of the RUNPATH has."""
    directories = _expanded(file, elf)
    return [
        name
        for name in elf.needed
        if not name.startswith(LOADER_PREFIXES)
        and not ("/" in name and os.path.exists(name))
        and not any(os.path.exists(os.path.join(directory, name)) for directory in directories)
    ]


def validate_runpath(roots: Iterable[str | os.PathLike[str]]) -> int:
    """Check all dynamic files below the roots; return how many, or raise one error that names every fault."""
    faults: list[str] = []
    count = 0
    for file in _elf_files(roots):
        elf = read_elf(file)
        if elf is None or not elf.is_dynamic:
            continue
        count += 1
        if elf.interpreter and not os.path.exists(elf.interpreter):
            faults.append(f"{file}: its loader `{elf.interpreter}` does not exist")
        if missing := missing_libraries(file, elf):
            shown = ":".join(elf.runpath) or "empty"
            faults.append(f"{file}: {', '.join(missing)} found in no directory of its RUNPATH ({shown})")
    if faults:
        hint = (
            "give the linker `-Wl,-rpath,DIRECTORY` for each library used, or set `validate_runpath` to False"
        )
        raise RunpathError("\n  ".join([f"{len(faults)} files would not run:", *faults, hint]))
    return count


def shrink_runpath(file: Path) -> bool:
    """Drop the RUNPATH directories that give no needed library; tell whether the file changed.

    The text is overwritten in place and padded with NULs, so that nothing moves and no dropped name stays to
    be taken for a reference. Left alone: a directory with `$`, a file that may open libraries by name (one
    that needs libdl or calls dlopen), and a string table where a symbol's name shares the tail of the text.
    """
    elf = read_elf(file)
    if elf is None or elf.runpath_offset is None or not elf.runpath:
        return False
    with open(file, "rb") as stream:
        data = stream.read()
    if b"\0dlopen\0" in data:
        return False
    kept = [entry for entry in dict.fromkeys(elf.runpath) if "$" in entry or _gives(entry, elf.needed)]
    old = os.fsencode(":".join(elf.runpath))
    new = os.fsencode(":".join(kept))
    start = elf.runpath_offset
    if new == old or _is_shared(data, start, len(old)):
        return False
    status = os.stat(file)
    os.chmod(file, stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
    with open(file, "r+b") as stream:
        stream.seek(start)
        stream.write(new.ljust(len(old), b"\0"))
    os.chmod(file, stat.S_IMODE(status.st_mode))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    return True


def _elf_files(roots: Iterable[str | os.PathLike[str]]) -> Iterable[Path]:
    for root in roots:
        if os.path.isdir(root):
            yield from (file for file in find_files(root) if is_elf(file))


def _expanded(file: Path, elf: Elf) -> list[str]:
    origin = os.path.dirname(os.path.abspath(file))
    directories = [
        entry.replace("$ORIGIN", origin).replace("${ORIGIN}", origin) for entry in elf.runpath if entry
    ]
    return [*directories, os.path.dirname(elf.interpreter)] if elf.interpreter else directories


def _gives(directory: str, needed: tuple[str, ...]) -> bool:
    return any(os.path.exists(os.path.join(directory, name)) for name in needed)


def _is_shared(data: bytes, start: int, length: int) -> bool:
    """Whether a dynamic symbol or version name points inside the text: linkers merge equal tails of strings.

    Without section headers we cannot know, and say yes.
    """
    bits, order = 64 if data[4] == 2 else 32, "<" if data[5] == 1 else ">"
    try:
        sections = _sections(data, order, bits)
        tables = [each for each in sections if each[0] == 11]  # SHT_DYNSYM
        if not tables:
            return True
        _, offset, size, link, entry = tables[0]
        strings = sections[link][1]
        names = (
            struct.unpack_from(order + "I", data, at)[0] for at in range(offset, offset + size, entry or 24)
        )
        return any(start < strings + name <= start + length for name in names if name)
    except (struct.error, IndexError):
        return True


def _sections(data: bytes, order: str, bits: int) -> list[tuple[int, int, int, int, int]]:
    """(type, offset, size, link, entry size) of each section."""
    if bits == 64:
        (start,) = struct.unpack_from(order + "Q", data, 40)
        size, count = struct.unpack_from(order + "HH", data, 58)
        form, pick = order + "IIQQQQIIQQ", (1, 4, 5, 6, 9)
    else:
        (start,) = struct.unpack_from(order + "I", data, 32)
        size, count = struct.unpack_from(order + "HH", data, 46)
        form, pick = order + "IIIIIIIIII", (1, 4, 5, 6, 9)
    found: list[tuple[int, int, int, int, int]] = []
    for index in range(count if start else 0):
        fields = struct.unpack_from(form, data, start + index * size)
        kind, offset, length, link, entry = (fields[each] for each in pick)
        found.append((kind, offset, length, link, entry))
    return found
