"""Small file systems of their own, to be filled to the last byte."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_TOOLS = "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ["PATH"]


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


@contextmanager
def loop_disk(folder: Path, size: int, *, inodes: int) -> Iterator[Path]:
    """An ext4 file system in a file, mounted at `folder`; skips where none can be had."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4", path=_TOOLS) is None:
        pytest.skip("only root may make mounts, and with mkfs.ext4 (Debian: e2fsprogs)")
    folder.mkdir()
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(size)
    environment = {"PATH": _TOOLS}
    subprocess.run(["mkfs.ext4", "-qFm0", "-N", str(inodes), str(image)], check=True, env=environment)
    done = subprocess.run(
        ["mount", "-o", "loop", str(image), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        pytest.skip(f"no loop device can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, env=environment)
