"""A file that is compressed while it is written, by several threads, the same whatever their number."""

from __future__ import annotations

import os
import threading
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, Self

from larix.pack.compression import GZIP_HEAD, gzip_tail
from larix.pack.errors import BadPack
from larix.pack.processes import Processes
from larix.words import tr

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any

    from larix.pack.compression import Method

__all__ = ["Digest", "Stream", "Workers"]


class Digest(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class Workers:
    """Threads that compress; shared by all streams that are written one after another.

    What the threads cannot do side by side is done by as many processes, if it is known to be wanted and this
    process has no threads yet. The result is the same.
    """

    def __init__(self, threads: int, main: Method | None = None) -> None:
        self.threads = max(1, threads)
        self._processes: Processes | None = None
        if main is not None and main.is_gzip and main.compress is not None and threading.active_count() == 1:
            self._processes = Processes(main.compress, main.block, self.threads)
        self.pool = ThreadPoolExecutor(self.threads)

    def submit(self, method: Method, data: memoryview) -> Future[Any] | None:
        """None for no compression."""
        if method.compress is None:
            return None
        if method.is_gzip and self._processes is not None:
            return self.pool.submit(self._processes.compress, data)
        return self.pool.submit(method.compress, data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)
        if self._processes is not None:
            self._processes.close()


class Stream:
    """Writes to the open file `sink`; `size` counts what went in, `packed` what came out.

    Two things can be watched: what goes in, by the digest `watch` for as long as it is set, and all that
    comes out, by `digest` when it was asked for. At most two blocks for each thread wait.
    """

    def __init__(self, sink: int, method: Method, workers: Workers, *, hashed: bool = False) -> None:
        self._sink = sink
        self._method = method
        self._workers = workers
        self._block = bytearray(method.block)
        self._view = memoryview(self._block)
        self._used = 0
        self._pending: deque[Future[Any]] = deque()
        self._is_started = False
        self._checksum = 0
        self.watch: Digest | None = None
        self.digest: Digest | None = sha256() if hashed else None
        self.size = 0
        self.packed = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.watch is not None:
            self.watch.update(data)
        view = memoryview(data)
        while view:
            count = min(len(view), len(self._block) - self._used)
            self._view[self._used : self._used + count] = view[:count]
            self._advance(count)
            view = view[count:]

    def write_file(self, file: bytes, size: int) -> None:
        """All of `file`, which must have that very size."""
        left = size
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            while left:
                room = self._view[self._used : self._used + min(left, len(self._block) - self._used)]
                count = os.readv(descriptor, [room])
                if count == 0:
                    break
                if self.watch is not None:
                    self.watch.update(room[:count])
                left -= count
                self._advance(count)
            if left or os.read(descriptor, 1):
                raise BadPack(tr("`{file}' changed while it was packed", file=os.fsdecode(file)))
        finally:
            os.close(descriptor)

    def write_zeros(self, count: int) -> None:
        self.write(bytes(count))

    def close(self) -> None:
        """Write what is left. The descriptor stays the caller's."""
        if self._used or not self._is_started:
            self._submit()
        while self._pending:
            self._take()
        if self._method.is_gzip:
            self._put(memoryview(gzip_tail(self._checksum, self.size)))

    def _advance(self, count: int) -> None:
        self._used += count
        self.size += count
        if self._used == len(self._block):
            self._submit()
            self._block = bytearray(self._method.block)
            self._view = memoryview(self._block)
            self._used = 0

    def _submit(self) -> None:
        data = self._view[: self._used]
        if self._method.is_gzip:
            if not self._is_started:
                self._put(memoryview(GZIP_HEAD))
            self._checksum = zlib.crc32(data, self._checksum)
        self._is_started = True
        work = self._workers.submit(self._method, data)
        if work is None:
            self._put(data)
            return
        self._pending.append(work)
        if len(self._pending) > 2 * self._workers.threads:
            self._take()

    def _take(self) -> None:
        self._put(memoryview(self._pending.popleft().result()))

    def _put(self, data: memoryview) -> None:
        if self.digest is not None:
            self.digest.update(data)
        self.packed += len(data)
        while data:
            data = data[os.write(self._sink, data) :]
