"""Patches applied to a source; one that does not apply is told with the files that it was for."""

from __future__ import annotations

import os
import re
import shlex

from larix.buildside.failure import BuildSideError
from larix.buildside.invoke import InvokeError, capture
from larix.buildside.names import strip_store_file_name

__all__ = ["PatchError", "apply_patch"]

# What GNU patch writes in the C locale: before each file (`+++` if it finds none), and of its parts.
FILE = re.compile(r"(?:patching (?:file|symbolic link)|\|\+\+\+) (?P<name>[^\t]+)")
FAILED = re.compile(r"\d+ out of \d+ hunks? (?:FAILED|ignored)")


class PatchError(BuildSideError):
    """A patch does not fit a source; `files` are those in which it failed, as far as patch tells."""

    def __init__(self, patch: str, files: list[str], cause: str) -> None:
        where = f" to {', '.join(f'`{file}`' for file in files)}" if files else ""
        super().__init__(f"patch `{strip_store_file_name(patch)}` does not apply{where}: {cause}")
        self.patch = patch
        self.files = files


def apply_patch(patch: str | os.PathLike[str], *flags: str) -> None:
    """Apply a patch in the current directory, without questions; the log gets what the program says."""
    words = ["patch", "--force", "--no-backup-if-mismatch", *flags, "--input", os.fspath(patch)]
    print(f"+ {shlex.join(words)}", flush=True)
    try:
        print(capture(*words), end="", flush=True)
    except InvokeError as error:
        if error.status is None:
            raise
        output = os.fsdecode(error.output)
        print(output, end="", flush=True)
        cause = f"`patch` ended with status {error.status}"
        raise PatchError(os.fspath(patch), _failed_files(output), cause) from error


def _failed_files(output: str) -> list[str]:
    current, found = "", list[str]()
    for line in output.splitlines():
        if match := FILE.match(line):
            current = match["name"].strip("'")
        elif FAILED.match(line) and current:
            found.append(current)
    return list(dict.fromkeys(found))
