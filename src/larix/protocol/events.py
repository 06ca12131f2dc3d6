"""What a running build tells whoever watches: records for a sink, in the order things happen.

A sink is called from the thread that builds and must be quick; what it raises ends the session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from larix.errors import LarixError
    from larix.formats.storepath import StorePath

__all__ = [
    "BuildFailed",
    "BuildFinished",
    "BuildLog",
    "BuildPhase",
    "BuildStarted",
    "BuildWaiting",
    "DownloadFinished",
    "DownloadProgress",
    "DownloadStarted",
    "Event",
    "Sink",
    "ignore_events",
]


class BuildStarted(NamedTuple):
    """`log_file` is where the log is written, None when none is kept; `round` counts from 1."""

    drv: StorePath
    log_file: str | None = None
    round: int = 1


class BuildLog(NamedTuple):
    """One line of output, without its newline."""

    drv: StorePath
    line: bytes


class BuildPhase(NamedTuple):
    """`seconds` is None when the phase starts, and what it took when it ends."""

    drv: StorePath
    phase: str
    seconds: float | None = None


class BuildFinished(NamedTuple):
    drv: StorePath
    seconds: float


class BuildFailed(NamedTuple):
    drv: StorePath
    error: LarixError


class BuildWaiting(NamedTuple):
    """Another process is at the same outputs, and has been for a while.

    `holder` is its process id, `user` whose it is, `since` when it began, in seconds since 1970; as far as
    that can be told. `for_user`: it is a build user that is waited for, since all are at work.
    """

    drv: StorePath
    path: StorePath
    holder: int | None = None
    user: str | None = None
    since: float | None = None
    for_user: bool = False


class DownloadStarted(NamedTuple):
    """`total` bytes are expected, None when the server does not say; `drv` is what wants the file."""

    url: str
    total: int | None = None
    drv: StorePath | None = None


class DownloadProgress(NamedTuple):
    url: str
    done: int
    total: int | None = None


class DownloadFinished(NamedTuple):
    url: str
    done: int
    seconds: float


Event: TypeAlias = (
    BuildStarted
    | BuildLog
    | BuildPhase
    | BuildFinished
    | BuildFailed
    | BuildWaiting
    | DownloadStarted
    | DownloadProgress
    | DownloadFinished
)
Sink: TypeAlias = Callable[[Event], None]


def ignore_events(_: Event) -> None:
    """The sink of those who do not watch."""
