"""The log of one build: a compressed file that can be read while it is written, and lines for who watches.

`LOG/drvs/XX/REST.drv.gz`, where `XXREST.drv` is the base name of the derivation; a later build replaces it.
The file is an ordinary gzip stream, flushed to a readable state at most every half second and at the end.
An operator may want `.bz2`, which can be read up to its last block only, or no compression, or no file.
"""

from __future__ import annotations

import os
import zlib
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from larix.protocol import BuildLog, BuildPhase, ignore_events
from larix.store.errors import os_failure
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.formats.storepath import StorePath
    from larix.protocol import Sink

__all__ = ["BuildLogger", "add_log", "existing_log_file", "log_file_of"]

_LONGEST_LINE = 64 * 1024
_LAST_LINES = 10
_FLUSH_EVERY = 0.5
_GZIP = 31  # 15 bits of window, with gzip's header
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


_SUFFIXES = {"gzip": ".gz", "bzip2": ".bz2", "none": ""}


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _Plain:
    """What compresses nothing."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def log_file_of(log_dir: str, drv: StorePath, compression: str = "gzip") -> str:
    """Where the log of `drv` is kept, whether it exists or not."""
    name = drv.rpartition("/")[2]
    return f"{log_dir}/drvs/{name[:2]}/{name[2:]}{_SUFFIXES[compression]}"


def existing_log_file(log_dir: str, drv: StorePath) -> str | None:
    """The log of `drv`, however it is compressed; None when there is none."""
    files = (log_file_of(log_dir, drv, compression) for compression in _SUFFIXES)
    return next((file for file in files if os.path.exists(file)), None)


def _compressor(compression: str) -> _Compressor:
    if compression == "bzip2":
        import bz2

        return bz2.BZ2Compressor()
    return _Plain()


def add_log(log_dir: str, drv: StorePath, pieces: Iterable[bytes], compression: str = "gzip") -> None:
    """Keep the log of a build that ran elsewhere, unless there is one of a build here."""
    if existing_log_file(log_dir, drv) is not None:
        return
    file = log_file_of(log_dir, drv, compression)
    temporary = f"{file}.{os.getpid()}"
    logger = BuildLogger(drv, temporary, ignore_events, compression)
    try:
        for piece in pieces:
            logger.feed(piece, 0.0)
        logger.close()
        os.rename(temporary, file)
    finally:
        logger.close()
        with suppress(FileNotFoundError):
            os.unlink(temporary)


class BuildLogger:
    """Takes a builder's output as it comes; the caller says what time it is. Without `file` none is kept."""

    def __init__(self, drv: StorePath, file: str | None, sink: Sink, compression: str = "gzip") -> None:
        self.drv = drv
        self.file = file
        self.size = 0
        self.last_lines: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._sink = sink
        self._rest = b""
        self._flushed_at = 0.0
        self._is_flushed = True
        self._gzip = None if compression != "gzip" else zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        self._compressor: _Compressor = self._gzip or _compressor(compression)
        self._descriptor = -1 if file is None else _create(file)

    def feed(self, data: bytes, now: float) -> None:
        """Some output, split anywhere."""
        self.size += len(data)
        self._write(self._compressor.compress(data))
        self._is_flushed = False
        if now - self._flushed_at >= _FLUSH_EVERY:
            self.flush(now)
        lines = (self._rest + data).split(b"\n") if self._rest else data.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(line)
        while len(self._rest) > _LONGEST_LINE:
            self._take(self._rest[:_LONGEST_LINE])
            self._rest = self._rest[_LONGEST_LINE:]

    def flush(self, now: float) -> None:
        """Make what was fed so far readable in the file."""
        if not self._is_flushed and self._gzip is not None:
            self._write(self._gzip.flush(zlib.Z_SYNC_FLUSH))
            self._is_flushed = True
            self._flushed_at = now

    def close(self) -> None:
        """Tell what was the last line, and finish the file; idempotent."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self._take(rest)
        if self._descriptor < 0:
            return
        self._write(self._compressor.flush())
        os.close(self._descriptor)
        self._descriptor = -1

    def _take(self, line: bytes) -> None:
        if line.startswith(b"@ phase-"):
            phase = _parse_phase(self.drv, line)
            if phase is not None:
                self._sink(phase)
                return
        self.last_lines.append(line)
        self._sink(BuildLog(self.drv, line))

    def _write(self, data: bytes) -> None:
        try:
            while data and self._descriptor >= 0:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            os.close(self._descriptor)
            self._descriptor = -1
            raise os_failure(tr("write the log"), self.file or "", error) from error


def _create(file: str) -> int:
    """A new file of that name; who still reads the old one keeps it."""
    temporary = f"{file}.tmp-{os.getpid()}"
    try:
        try:
            descriptor = os.open(temporary, _CREATE, 0o644)
        except FileNotFoundError:
            _make_folder(os.path.dirname(file))
            descriptor = os.open(temporary, _CREATE, 0o644)
        os.rename(temporary, file)
        _remove_others(file)
    except OSError as error:
        raise os_failure(tr("write the log"), file, error) from error
    return descriptor


def _remove_others(file: str) -> None:
    """Take away logs of former builds, compressed in other ways: nobody may take them for this one's."""
    plain = file.removesuffix(".gz").removesuffix(".bz2")
    for suffix in _SUFFIXES.values():
        if plain + suffix != file:
            with suppress(FileNotFoundError):
                os.unlink(plain + suffix)


def _make_folder(folder: str) -> None:
    """Make a folder and its parents, for others to read at most."""
    try:
        os.mkdir(folder, 0o755)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_folder(os.path.dirname(folder))
        _make_folder(folder)


def _parse_phase(drv: StorePath, line: bytes) -> BuildPhase | None:
    """`@ phase-start NAME` or `@ phase-end NAME SECONDS`; anything else is an ordinary line."""
    words = line.decode("utf-8", "replace").split()
    if words[1] == "phase-start" and len(words) == 3:
        return BuildPhase(drv, words[2])
    if words[1] == "phase-end" and len(words) == 4:
        try:
            return BuildPhase(drv, words[2], float(words[3]))
        except ValueError:
            return None
    return None
