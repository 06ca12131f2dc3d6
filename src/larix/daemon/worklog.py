"""What the operator is told of builds and collections: a line where one begins, and one where it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from larix.protocol import BuildFailed, BuildFinished, BuildStarted
from larix.store.errors import quoted

if TYPE_CHECKING:
    from larix.formats.storepath import StorePath
    from larix.protocol import Event

__all__ = ["WorkLog"]


class WorkLog:
    """Of one session; `write` knows whose. Not translated: it is for programs to search as well."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._started: dict[StorePath, float] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case BuildStarted(drv, _, number):
                self._started[drv] = time.monotonic()
                self._write(f"building {drv}" + (f", round {number}" if number > 1 else ""))
            case BuildFinished(drv):
                self._write(f"built {drv}{self._after(drv)}")
            case BuildFailed(drv, error):
                reason = quoted(error.message.partition("\n")[0])
                self._write(f"failed {drv}{self._after(drv)}: {reason}")
            case _:
                pass

    def collected(self, count: int, bytes_freed: int) -> None:
        self._write(f"collected {count} items, {bytes_freed} bytes freed")

    def close(self) -> None:
        """What has not ended by now is given up."""
        for drv in tuple(self._started):
            self._write(f"gave up {drv}{self._after(drv)}")

    def _after(self, drv: StorePath) -> str:
        started = self._started.pop(drv, None)
        return "" if started is None else f" after {time.monotonic() - started:.1f} s"
