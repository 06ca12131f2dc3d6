"""Room that is set aside for the way out of a full disk: bytes, and on file systems that count them, names.

A collection gives the bytes back before it starts, and sets them aside again when it has made room. Whoever
opens the store gives the names back when there are none left: opening needs some, and a collection more.
"""

from __future__ import annotations

import os
from contextlib import suppress

from larix.store.layout import Layout

__all__ = ["give_back", "give_back_names", "set_aside"]

_BYTES = 8 * 1024 * 1024
_NAMES = 8


def set_aside(layout: Layout) -> None:
    """Have the whole reserve, if there is room for more than that; a help, no need."""
    with suppress(OSError):
        status = os.statvfs(layout.state_dir)
        if status.f_bavail * status.f_frsize < 2 * _BYTES:
            return
        _set_bytes_aside(layout.reserve_file)
    with suppress(OSError):
        os.makedirs(layout.reserved_names_dir, exist_ok=True)
        for number in range(_NAMES):
            file = f"{layout.reserved_names_dir}/{number}"
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _set_bytes_aside(file: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_blocks * 512 < _BYTES:
            os.posix_fallocate(descriptor, 0, _BYTES)
    except OSError:
        os.ftruncate(descriptor, 0)  # half of it would only make the disk full
        raise
    finally:
        os.close(descriptor)


def give_back(layout: Layout) -> None:
    with suppress(OSError):  # used up already
        os.unlink(layout.reserve_file)
    _give_names_back(layout)


def give_back_names(layout: Layout) -> None:
    """Give the names back if there are hardly any others."""
    with suppress(OSError):
        status = os.statvfs(layout.state_dir)
        if status.f_files and status.f_favail < _NAMES:
            _give_names_back(layout)


def _give_names_back(layout: Layout) -> None:
    with suppress(OSError):
        for name in os.listdir(layout.reserved_names_dir):
            os.unlink(f"{layout.reserved_names_dir}/{name}")
