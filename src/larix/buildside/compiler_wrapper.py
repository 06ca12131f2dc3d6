"""Compilers that add flags to every command line, for packages that take none."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["COMPILERS", "wrap_compilers"]

COMPILERS = ("cc", "c++", "gcc", "g++", "gfortran", "gdc", "clang", "clang++", "flang")


def wrap_compilers(
    output: Path, roots: Iterable[Path], flags: Sequence[str], shell: str | os.PathLike[str]
) -> list[str]:
    """Make `bin` of `output` hold a script for each compiler that the roots have; the names of these.

    The flags come last, so that they hold whatever a package says itself.
    """
    programs: dict[str, Path] = {}
    for root in roots:
        for name in COMPILERS:
            file = root / "bin" / name
            if name not in programs and os.access(file, os.X_OK):
                programs[name] = file
    if not programs:
        raise BuildSideError("wrap_compilers: the toolchain has no compiler")
    folder = output / "bin"
    folder.mkdir(parents=True)
    for name, file in programs.items():
        script = folder / name
        words = shlex.join(flags)
        script.write_text(f'#!{os.fspath(shell)}\nexec {shlex.quote(str(file))} "$@" {words}\n')
        script.chmod(0o755)
    return sorted(programs)
