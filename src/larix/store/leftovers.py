"""Folders of killed processes: each is locked by whoever uses it, so what is not locked has no user left."""

from __future__ import annotations

import fcntl
import os

from larix.store.atomic import remove_tree

__all__ = ["make_locked_folder", "remove_abandoned"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_locked_folder(parent: str) -> tuple[str, int]:
    """A new folder below `parent` that only its owner can enter, and the descriptor that locks it."""
    folder = f"{parent}/{os.urandom(12).hex()}"
    gate = os.open(parent, _DIRECTORY)
    try:
        fcntl.flock(gate, fcntl.LOCK_SH)
        os.mkdir(folder, 0o700)
        lock = os.open(folder, _DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(gate)
    return folder, lock


def remove_abandoned(parent: str) -> int:
    """Remove the folders below `parent` that nobody holds; the bytes freed.

    The gate keeps out who has not yet locked what it made.
    """
    try:
        names = os.listdir(parent)
    except FileNotFoundError:
        return 0
    if not names:
        return 0
    gate = os.open(parent, _DIRECTORY)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        return sum(_remove_if_free(f"{parent}/{name}") for name in names)
    finally:
        os.close(gate)


def _remove_if_free(folder: str) -> int:
    try:
        lock = os.open(folder, _DIRECTORY)
    except OSError:
        return 0
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return remove_tree(folder)
    except OSError:
        return 0
    finally:
        os.close(lock)
