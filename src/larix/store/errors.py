"""What goes wrong in the store for a reason outside of larix."""

from __future__ import annotations

import errno
import os

from larix.protocol.store import StoreError
from larix.words import tr

__all__ = ["NO_ROOM", "DiskFull", "StoreCorrupt", "StoreError", "StoreUnusable", "os_failure", "quoted"]


class StoreUnusable(StoreError):
    """The store cannot be opened, or not written to, by this user or in this state."""


class StoreCorrupt(StoreError):
    """What the disk holds is not what the store wrote."""


class DiskFull(StoreError):
    """No room, or a quota or size limit, while writing; nothing half-written was made valid."""

    temporary = True


def quoted(name: str | bytes) -> str:
    """A file name for a message: readable, one line, whatever bytes it holds."""
    return ascii(os.fsdecode(name))[1:-1]


_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def os_failure(action: str, name: str | bytes, cause: OSError) -> StoreError:
    """The typed error for a refused system call: what could not be done to `name`, why, the next step."""
    reason = os.strerror(cause.errno) if cause.errno else str(cause)
    message = tr("cannot {action} `{name}`: {reason}", action=action, name=quoted(name), reason=reason)
    if cause.errno in NO_ROOM:
        return DiskFull(
            message, hint=tr("free some space, for instance with `larix gc`, then run the command again")
        )
    if cause.errno == errno.EROFS:
        return StoreUnusable(message, hint=tr("the file system is mounted read-only; remount it read-write"))
    if cause.errno in _PERMISSION:
        return StoreUnusable(
            message,
            hint=tr(
                "run as its owner, or set LARIX_STORE_DIR and LARIX_STATE_DIRECTORY to places of your own"
            ),
        )
    return StoreError(message)
