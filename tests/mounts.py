"""Small file systems of their own, to be filled to the last byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Path]:
    """A file system in memory at `folder`, with options for `mount`; skips where none can be had."""
    if os.geteuid() != 0:
        pytest.skip("only root may make mounts")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(("mode=755", *options)), "none", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no mount can be made here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def fill(file: Path, *, leaving: int = 0) -> None:
    """Write a file until no more than `leaving` bytes are free, or not one."""
    with file.open("ab", buffering=0) as stream:
        piece = bytes(1 << 16)
        while free(file.parent) - leaving >= len(piece):
            stream.write(piece)
        if not leaving:
            try:
                while True:
                    stream.write(bytes(512))
            except OSError:
                pass
