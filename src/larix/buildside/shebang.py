"""The `#!` lines of scripts: made to name programs of the inputs, as no build has /bin/sh or /usr/bin/env."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from larix.buildside.file_errors import file_errors
from larix.buildside.several import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.buildside.several import SeveralNames

__all__ = ["patch_shebang", "patch_shebangs"]

LONGEST_LINE = 4096
SHEBANG = re.compile(
    rb"#![ \t]*(?:\S*/env[ \t]+(?:-S[ \t]+)?(?P<env>[^-\s/][^\s/=]*)(?![^\s])|(?P<path>/\S+))(?P<rest>[^\n]*)"
)


@file_errors("patch_shebang")
def patch_shebang(file: str | os.PathLike[str], path: SeveralNames | None = None) -> bool:
    """Make the interpreter one that `path` (directories; by default PATH) has; tell whether the file changed.

    A script whose interpreter is not found there is left as it is, with a line in the log. The modification
    time is kept: a newer `configure` would make the generated makefiles rebuild it. A file that is a link, no
    regular file or no script is left alone.
    """
    status = os.lstat(file)
    if not stat.S_ISREG(status.st_mode):
        return False
    with open(file, "rb") as stream:
        if stream.read(2) != b"#!":
            return False
        stream.seek(0)
        head = stream.read(LONGEST_LINE)
        match = SHEBANG.match(head)
        if match is None:
            return False
        if match["path"] and _is_in_store(match["path"]):
            return False
        wanted = match["env"] or match["path"].rsplit(b"/", 1)[1]
        directories = os.environ.get("PATH", "").split(":") if path is None else names_of(path)
        found = _find(wanted, directories)
        if found is None:
            if not (match["path"] and os.path.exists(match["path"])):
                print(
                    f"{os.fspath(file)}: `{os.fsdecode(wanted)}` is not among the inputs; its #! line stays",
                    flush=True,
                )
            return False
        line = b"#!" + found + (match["rest"] if match["rest"].strip() else b"")
        if line == match.group():
            return False
        stream.seek(match.end())
        body = stream.read()
    _rewrite(file, line + body, status)
    return True


def patch_shebangs(files: SeveralNames, path: SeveralNames | None = None) -> int:
    """Patch all; tell how many changed."""
    directories = None if path is None else names_of(path)
    return sum(patch_shebang(file, directories) for file in names_of(files))


def _is_in_store(program: bytes) -> bool:
    store = os.environ.get("LARIX_STORE") or os.environ.get("NIX_STORE")
    return bool(store) and program.startswith(os.fsencode(f"{store}/")) and os.path.exists(program)


def _find(program: bytes, directories: Iterable[str]) -> bytes | None:
    for directory in directories:
        candidate = os.path.join(os.fsencode(directory), program)
        if directory and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def _rewrite(file: str | os.PathLike[str], contents: bytes, status: os.stat_result) -> None:
    temporary = f"{os.fspath(file)}.larix-new"
    with open(temporary, "xb") as stream:
        stream.write(contents)
    os.chmod(temporary, stat.S_IMODE(status.st_mode))
    os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(temporary, file)
