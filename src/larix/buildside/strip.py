"""Debugging information: taken out of programs and libraries, or moved to a `debug` output."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from larix.buildside.elf import BadElf, read_elf
from larix.buildside.files import find_files, mkdir_p
from larix.buildside.invoke import invoke_quietly

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["strip_file", "strip_tree"]

ARCHIVE = b"!<arch>\n"


def strip_tree(
    root: Path,
    directories: Iterable[str],
    *,
    flags: Sequence[str] = (),
    debug: Path | None = None,
    tool_prefix: str = "",
) -> int:
    """Strip what stands below some directories of an output; return how many files were.

    Of hard links one is stripped: they share their contents. With `debug` (another output), the information
    is kept below its lib/debug, where debuggers look for it. `tool_prefix` stands before the names of strip
    and objcopy: those for another machine have one.
    """
    seen: set[tuple[int, int]] = set()
    count = 0
    for name in directories:
        if not (root / name).is_dir() or (root / name).is_symlink():
            continue
        for file in find_files(root / name):
            status = file.lstat()
            identity = (status.st_dev, status.st_ino)
            if stat.S_ISREG(status.st_mode) and identity not in seen:
                seen.add(identity)
                where = debug / "lib" / "debug" / str(file).lstrip("/") if debug else None
                count += strip_file(file, flags=flags, debug_file=where, tool_prefix=tool_prefix)
    return count


def strip_file(
    file: Path, *, flags: Sequence[str] = (), debug_file: Path | None = None, tool_prefix: str = ""
) -> bool:
    """Strip one file in place when it is a program, library, object or archive; tell whether it was.

    Objects and archives lose only debugging information (a linker needs their symbols), the others also the
    symbols that no loader needs; `flags` replaces that choice. Dates inside archives are zeroed.
    """
    kind = _kind(file)
    if kind is None:
        return False
    mode = stat.S_IMODE(file.stat().st_mode)
    file.chmod(mode | stat.S_IWUSR)
    links = kind in {"executable", "shared"}
    if debug_file is not None and links:
        mkdir_p(debug_file.parent)
        debug_file = debug_file.with_name(f"{debug_file.name}.debug")
        invoke_quietly(f"{tool_prefix}objcopy", "--only-keep-debug", file, debug_file)
        debug_file.chmod(0o644)
    chosen = flags or (("--strip-unneeded",) if links else ("--strip-debug",))
    invoke_quietly(
        f"{tool_prefix}strip", "--enable-deterministic-archives", "--preserve-dates", *chosen, file
    )
    if debug_file is not None and links:
        invoke_quietly(f"{tool_prefix}objcopy", f"--add-gnu-debuglink={debug_file}", file)
    file.chmod(mode)
    return True


def _kind(file: Path) -> str | None:
    with file.open("rb") as stream:
        magic = stream.read(8)
    if magic == ARCHIVE:
        return "archive"
    if not magic.startswith(b"\x7fELF"):
        return None
    try:
        elf = read_elf(file)
    except BadElf as error:
        print(f"strip: {error}; left as it is", flush=True)
        return None
    return elf.type if elf and elf.type in {"relocatable", "executable", "shared"} else None
