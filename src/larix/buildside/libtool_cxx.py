"""Libtool and C++: what it must be told to link C++ libraries with the toolchain of the seed.

It leaves C++ alone when the compiler is called `g++` and `g++ -v` fails, as with the seed, whose specs give
each call something to link. And it links C++ libraries with `-nostdlib`, so that those specs do not name the
directory of the compiler's and the C library's own libraries.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from larix.buildside.failure import BuildSideError

__all__ = ["prepare_libtool_for_cxx"]

RUNTIME = "libstdc++.so.6"


def prepare_libtool_for_cxx(*, toolchain: Sequence[Path]) -> None:
    """A phase to put before `configure`: set CXX, and name the directory of the C++ library in LDFLAGS."""
    directories = [file.parent for root in toolchain for file in sorted(Path(root, "lib").rglob(RUNTIME))]
    if not directories:
        raise BuildSideError(f"no `{RUNTIME}` in the toolchain ({', '.join(map(os.fspath, toolchain))})")
    os.environ["CXX"] = "c++"
    os.environ["LDFLAGS"] = f"{os.environ.get('LDFLAGS', '')} -Wl,-rpath,{directories[0]}".strip()
    print(f"CXX=c++ LDFLAGS={os.environ['LDFLAGS']}", flush=True)
