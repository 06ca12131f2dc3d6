"""What is mounted below a directory: other file systems, and directories of the same one once more."""

from __future__ import annotations

import os
import re

__all__ = ["mounts_below"]

MOUNT_POINT = 4  # the field in a line of /proc/self/mountinfo, where octal digits stand for blanks


def mounts_below(directory: str) -> list[str]:
    """The places where something is mounted, the directory itself included; they are sorted.

    Without /proc, and for the file systems that it does not tell of, devices are compared.
    """
    top = os.path.realpath(directory)
    try:
        with open("/proc/self/mountinfo", "rb") as stream:
            places = [_unescaped(line.split()[MOUNT_POINT]) for line in stream]
    except FileNotFoundError:
        places = []
    found = {place for place in places if place == top or place.startswith(f"{top.rstrip('/')}/")}
    device = os.stat(top).st_dev
    for each, _, _ in os.walk(top):
        if os.lstat(each).st_dev != device:
            found.add(each)
    return sorted(found)


def _unescaped(field: bytes) -> str:
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field))
