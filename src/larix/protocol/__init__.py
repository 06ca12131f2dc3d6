"""What the user's side and the store's side agree on: records, the store protocol, build events.

Pure, one layer above `derivation`: types and records, and the errors that both sides speak of.
"""

from larix.protocol.build import BuildOptions, BuildTarget
from larix.protocol.events import (
    BuildFailed,
    BuildFinished,
    BuildLog,
    BuildPhase,
    BuildStarted,
    BuildWaiting,
    DownloadFinished,
    DownloadProgress,
    DownloadStarted,
    Event,
    Sink,
    ignore_events,
)
from larix.protocol.store import BadPathInfo, PathInfo, PathNotValid, Store, StoreError

__all__ = [
    "BadPathInfo",
    "BuildFailed",
    "BuildFinished",
    "BuildLog",
    "BuildOptions",
    "BuildPhase",
    "BuildStarted",
    "BuildTarget",
    "BuildWaiting",
    "DownloadFinished",
    "DownloadProgress",
    "DownloadStarted",
    "Event",
    "PathInfo",
    "PathNotValid",
    "Sink",
    "Store",
    "StoreError",
    "ignore_events",
]
