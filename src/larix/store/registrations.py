"""The log of registrations: what the database says, once more, in a file that only grows.

A database that lost a page is worth nothing without another source for what stood on it. So after each
transaction that makes paths valid or invalid, a frame is appended to `STATE/journal/registered`: rows with
their references, numbers of rows that went away, and the number of the transaction, which the database keeps
as its `user_version`. From it the database is checked, and made again (see `rebuilding`).

The log comes after the database: it never says what the database did not hold. A SIGKILL between the two
leaves out a frame; numbers of transactions tell that, and then nothing is concluded from what the log lacks.
Rows that others have added, real Nix for one, follow with the next frame. Rows are known by their numbers,
which SQLite never uses twice, so the order of frames does not matter. Each frame has a checksum, and an end
that says what the last number is: opening a store compares two numbers and reads nothing else.

The log is not synced: what a power cut takes of its end the database has, and the next frame has it again. A
log that cannot be written, on a full disk, never fails what was already done.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from larix.store.atomic import sync_directory, write_all
from larix.store.errors import os_failure
from larix.store.locks import open_lock_file
from larix.words import tr

__all__ = ["Logged", "Record", "Registrations", "State", "Tail"]

_HEAD = Struct("<8sQQQ16s")  # magic, bytes of text, transaction, last row, checksum of all this and the text
_END = Struct("<8sQQQ")  # magic, transaction, last row, where the last frame starts
_SMALL = 1 << 20
_MAGIC, _SNAPSHOT, _END_MAGIC = b"larixlog", b"larixnew", b"larixend"


class Record(NamedTuple):
    """A row of the database, its fields as they stand there, with the paths that it refers to."""

    id: int
    path: str
    hash: str
    registered: int
    deriver: str | None
    size: int | None
    ultimate: int | None
    signatures: str | None
    address: str | None
    references: tuple[str, ...]


class Tail(NamedTuple):
    """What the end of the log says: the last transaction, and the last row of them."""

    transaction: int
    row: int


class Logged(NamedTuple):
    """What one transaction did."""

    transaction: int
    records: Sequence[Record]
    removed: Sequence[int] = ()


class State(NamedTuple):
    """The log read whole: rows that are there, whether no transaction is missing, and its end."""

    lines: dict[int, str]
    is_complete: bool
    tail: Tail
    size: int

    @property
    def is_wasteful(self) -> bool:
        """Whether most of the log is about what is gone."""
        return self.size > 2 * sum(map(len, self.lines.values())) + 100 * len(self.lines) + _SMALL

    def record(self, number: int) -> Record:
        return _record(self.lines[number].split("\t"))

    def records(self) -> list[Record]:
        return [_record(line.split("\t")) for line in self.lines.values()]


def _line(record: Record) -> str:
    fields = ["" if field is None else str(field) for field in record[:9]]
    return "\t".join(["+", *fields, *(path.rpartition("/")[2] for path in record.references)])


def _record(fields: list[str]) -> Record:
    path = fields[2]
    folder = path[: path.rindex("/") + 1]
    return Record(
        int(fields[1]),
        path,
        fields[3],
        int(fields[4]),
        fields[5] or None,
        int(fields[6]) if fields[6] else None,
        int(fields[7]) if fields[7] else None,
        fields[8] or None,
        fields[9] or None,
        tuple(folder + name for name in fields[10:]),
    )


def _frame(magic: bytes, start: int, logged: Logged, last: int) -> bytes:
    lines = [_line(record) for record in logged.records]
    if logged.removed:
        lines.append("-\t" + "\t".join(map(str, logged.removed)))
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    fields = magic, len(text), logged.transaction, last
    head = _HEAD.pack(*fields, _checksum(fields, text))
    return head + text + _END.pack(_END_MAGIC, logged.transaction, last, start)


def _checksum(fields: tuple[bytes, int, int, int], text: bytes) -> bytes:
    return sha256(repr(fields).encode() + text).digest()[:16]


class Registrations:
    """The log of one store. Opened for each use: there is nothing to inherit, and nothing to close."""

    def __init__(self, directory: str) -> None:
        self.file = directory + "/registered"
        self._lock_file = directory + "/registered.lock"

    @contextmanager
    def _locked(self) -> Generator[None]:
        lock = open_lock_file(self._lock_file)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def tail(self) -> Tail | None:
        """The end of the log; None when there is none, or its end is torn."""
        try:
            descriptor = os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise os_failure(tr("read"), self.file, error) from error
        try:
            return _tail(descriptor)
        finally:
            os.close(descriptor)

    def append(
        self,
        logged: Logged,
        *,
        between: Callable[[int, int], Iterable[Record]],
        everything: Callable[[], tuple[int, int, list[Record]]],
    ) -> None:
        """Note a transaction that is durable. `between` reads rows that nobody has noted, by their numbers.

        Where there is no log, or its end is torn, it is written anew from `everything`: the last transaction,
        the last row, all rows.
        """
        with suppress(OSError), self._locked():
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            try:
                tail = _tail(descriptor)
                if tail is None:
                    self._write_anew(everything)
                    return
                fresh = [record.id for record in logged.records if record.id > tail.row]
                records = list(logged.records)
                if fresh and min(fresh) > tail.row + 1:
                    records = [*between(tail.row + 1, min(fresh) - 1), *records]
                last = max([tail.row, *fresh])
                end = os.lseek(descriptor, 0, os.SEEK_END)
                frame = _frame(_MAGIC, end, logged._replace(records=records), last)
                try:
                    write_all(descriptor, frame)
                except OSError:
                    os.ftruncate(descriptor, end)
                    raise
            finally:
                os.close(descriptor)

    def write_anew(self, everything: Callable[[], tuple[int, int, list[Record]]]) -> None:
        """Replace the log by one frame of all rows; the old or the new one after any crash."""
        try:
            with self._locked():
                self._write_anew(everything)
        except OSError as error:
            raise os_failure(tr("write"), self.file, error) from error

    def _write_anew(self, everything: Callable[[], tuple[int, int, list[Record]]]) -> None:
        transaction, last, records = everything()
        temporary = self.file + ".new"
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
        )
        try:
            write_all(descriptor, _frame(_SNAPSHOT, 0, Logged(transaction, records), last))
            os.fsync(descriptor)
            os.rename(temporary, self.file)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        finally:
            os.close(descriptor)
        sync_directory(os.path.dirname(self.file))

    def read(self) -> State:
        """The log read whole, as far as it is whole; what is torn or damaged is passed over."""
        try:
            with open(self.file, "rb") as stream:
                data = stream.read()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise os_failure(tr("read"), self.file, error) from error
        lines: dict[int, str] = {}
        removed: set[int] = set()
        seen: set[int] = set()
        first = last = row = 0
        is_complete = True
        position = 0
        while position < len(data):
            frame = _read_frame(data, position)
            if frame is None:
                is_complete = False
                position = _next_frame(data, position + 1)
                continue
            magic, transaction, row_here, text, position = frame
            if magic == _SNAPSHOT:
                first = transaction
            seen.add(transaction)
            last, row = max(last, transaction), max(row, row_here)
            for line in text.split("\n"):
                sign, _, rest = line.partition("\t")
                if sign == "+":
                    lines[int(rest[: rest.index("\t")])] = line
                elif sign == "-":
                    removed.update(map(int, rest.split("\t")))
        for number in removed:
            lines.pop(number, None)
        is_complete = is_complete and bool(seen) and seen.issuperset(range(first, last + 1))
        return State(lines, is_complete, Tail(last, row), len(data))


def _tail(descriptor: int) -> Tail | None:
    size = os.fstat(descriptor).st_size
    if size < _HEAD.size + _END.size:
        return None
    magic, transaction, row, start = _END.unpack(os.pread(descriptor, _END.size, size - _END.size))
    if magic != _END_MAGIC or start > size - _HEAD.size:
        return None
    head, length, same_transaction, same_row, _ = _HEAD.unpack(os.pread(descriptor, _HEAD.size, start))
    is_whole = start + _HEAD.size + length + _END.size == size
    if head not in (_MAGIC, _SNAPSHOT) or not is_whole or (transaction, row) != (same_transaction, same_row):
        return None
    return Tail(transaction, row)


_Frame = tuple[bytes, int, int, str, int]


def _read_frame(data: bytes, position: int) -> _Frame | None:
    """The frame at `position` and where the next one starts; None if it is not whole."""
    if len(data) - position < _HEAD.size + _END.size:
        return None
    magic, length, transaction, row, checksum = _HEAD.unpack_from(data, position)
    start = position + _HEAD.size
    end = start + length
    if magic not in (_MAGIC, _SNAPSHOT) or end + _END.size > len(data):
        return None
    text = data[start:end]
    if _checksum((magic, length, transaction, row), text) != checksum:
        return None
    return magic, transaction, row, text.decode("utf-8", "surrogateescape"), end + _END.size


def _next_frame(data: bytes, position: int) -> int:
    found = [start for magic in (_MAGIC, _SNAPSHOT) if (start := data.find(magic, position)) >= 0]
    return min(found, default=len(data))
