"""Makefiles and configure scripts that name programs where no build has them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import file_errors
from larix.buildside.files import substitute, which
from larix.buildside.several import SeveralNames, names_of

__all__ = ["patch_makefile_shell", "patch_usr_bin_file"]

FileName = str | os.PathLike[str]
SHELL = re.compile(
    r"^(?P<before>(?:export[ \t]+)?SHELL[ \t]*[:?]?:?=[ \t]*)/\S*/(?P<name>[\w.-]+)(?P<rest>[^\n]*)"
)


@file_errors("patch_makefile_shell")
def patch_makefile_shell(makefile: FileName) -> bool:
    """Make `SHELL =` name a shell of PATH by its file; tell whether the makefile changed.

    A shell that PATH does not have is an error, as make could run nothing. Times are kept, since what is
    newer is made again.
    """
    before = Path(makefile).read_bytes()

    def found(match: re.Match[str]) -> str:
        program = which(match["name"])
        if program is None:
            raise BuildSideError(f"{os.fspath(makefile)}: SHELL is `{match['name']}`, which is not in PATH")
        return f"{match['before']}{program}{match['rest']}"

    substitute(makefile, (SHELL, found), required=False, keep_time=True)
    return Path(makefile).read_bytes() != before


@file_errors("patch_usr_bin_file")
def patch_usr_bin_file(files: SeveralNames, program: FileName | None = None) -> int:
    """Make scripts call the program `file` where it is, instead of /usr/bin/file; how many changed.

    Without such a program, neither given nor in PATH, they stay as they are.
    """
    chosen = program or which("file")
    changed = 0
    for each in names_of(files) if chosen is not None else ():
        before = Path(each).read_bytes()
        substitute(each, (r"/usr/bin/file\b", os.fspath(str(chosen))), required=False, keep_time=True)
        changed += Path(each).read_bytes() != before
    return changed
