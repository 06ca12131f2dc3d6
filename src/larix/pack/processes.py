"""Processes that compress, for a compressor that lets only one thread of a process work at a time.

Each shares a piece of memory with its parent. A request is the size of what stands there, the answer the size
of what stands there now; the end of requests is the end of the process.
"""

from __future__ import annotations

import mmap
import os
import struct
from queue import SimpleQueue
from typing import TYPE_CHECKING

from larix.pack.errors import BadPack
from larix.words import tr

if TYPE_CHECKING:
    from larix.pack.compression import Compress

__all__ = ["Processes"]

_SIZE = struct.Struct("=Q")
_GROWTH = 1 << 16  # what cannot be compressed becomes larger, but by less


class _Process:
    def __init__(self, compress: Compress, block: int, inherited: list[_Process]) -> None:
        self._memory = mmap.mmap(-1, block + _GROWTH)
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                for other in (*inherited, self):
                    os.close(other._requests)
                    os.close(other._answers)
                self._serve(compress, requests, answers)
                status = 0
            finally:
                os._exit(status)
        os.close(requests)
        os.close(answers)

    def _serve(self, compress: Compress, requests: int, answers: int) -> None:
        view = memoryview(self._memory)
        while request := os.read(requests, _SIZE.size):
            packed = compress(view[: _SIZE.unpack(request)[0]])
            view[: len(packed)] = packed
            os.write(answers, _SIZE.pack(len(packed)))

    def compress(self, data: memoryview) -> bytes:
        self._memory[: len(data)] = data
        try:
            os.write(self._requests, _SIZE.pack(len(data)))
            answer = os.read(self._answers, _SIZE.size)
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise BadPack(tr("a process that was compressing has ended"))
        return self._memory[: _SIZE.unpack(answer)[0]]

    def close(self) -> None:
        os.close(self._requests)
        os.close(self._answers)
        os.waitpid(self.pid, 0)
        self._memory.close()


class Processes:
    """So many processes; `compress` may be called by as many threads at a time, and more will wait.

    To be made while the process has a single thread.
    """

    def __init__(self, compress: Compress, block: int, count: int) -> None:
        self._all: list[_Process] = []
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        for _ in range(count):
            self._all.append(_Process(compress, block, self._all))
            self._idle.put(self._all[-1])

    def compress(self, data: memoryview) -> bytes:
        process = self._idle.get()
        try:
            return process.compress(data)
        finally:
            self._idle.put(process)

    def close(self) -> None:
        for process in self._all:
            process.close()
        self._all.clear()
