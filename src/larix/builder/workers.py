"""Threads for what waits for the disk, so that the loop which reads logs and keeps limits never does."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Workers"]

T = TypeVar("T")

_MOST = 4  # syncs that are asked for together are done together


class Workers(Generic[T]):
    """Does `action` for each item handed in, in threads that are started when needed.

    `descriptor` becomes readable when something is finished. Everything but the action itself happens in the
    thread of the owner.
    """

    def __init__(self, action: Callable[[T], object]) -> None:
        self._action = action
        self._todo: SimpleQueue[T | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[T, BaseException | None]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.descriptor, self._signal = os.pipe()
        os.set_blocking(self.descriptor, False)
        self.pending = 0

    def submit(self, item: T) -> None:
        self.pending += 1
        if self.pending > len(self._threads) < _MOST:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._todo.put(item)

    def finished(self) -> list[tuple[T, BaseException | None]]:
        """What is finished by now: each item with what its action raised, if anything."""
        try:
            os.read(self.descriptor, 4096)
        except BlockingIOError:
            return []
        found: list[tuple[T, BaseException | None]] = []
        while not self._done.empty():
            found.append(self._done.get())
            self.pending -= 1
        return found

    def close(self) -> list[tuple[T, BaseException | None]]:
        """Wait for what was handed in, end the threads, and give what `finished` has not given."""
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        found: list[tuple[T, BaseException | None]] = []
        while not self._done.empty():
            found.append(self._done.get())
        self.pending = 0
        if self.descriptor >= 0:
            os.close(self.descriptor)
            os.close(self._signal)
            self.descriptor = -1
        return found

    def _work(self) -> None:
        while (item := self._todo.get()) is not None:
            error: BaseException | None = None
            try:
                self._action(item)
            except BaseException as raised:  # noqa: BLE001 - handed to the owner
                error = raised
            self._done.put((item, error))
            os.write(self._signal, b".")
