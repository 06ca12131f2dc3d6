"""The write-ahead journal: thousands of small items made durable with one sync.

The problem. An item must be durable before it is registered, and a sync of each of 30,000 files takes longer
than all other work together (a quarter of a millisecond each on a fast disk, ten on a slow one), while a sync
of the whole file system waits for whatever others have written.

The way. The archives of a batch are appended to one file in `STATE/journal`, which is synced once, with its
directory. Then the items are written as plain files, unsynced, and registered. The argument, by when the
machine or the process dies:

1.  Before the journal is synced: nothing is registered; what stands in the store is garbage.
2.  After it, before the database transaction is durable: the same. The journal is not needed.
3.  After that, by a power cut: rows may stand in the database whose files are missing, empty or torn. Every
    one of them is whole in the journal, since 1 came before. The next opening of the store sees a journal of
    an earlier boot (its name starts with the boot's id) and rewrites those items that are valid and not what
    they should be, before anybody is told that they are valid.
4.  After that, by the death of the process alone: the kernel holds the files; they are as they should be.

A journal is removed only when its items are durable without it: after a sync of the store's file system,
which `checkpoint` does once the journals have grown past a limit, or after a replay. Nothing is removed of a
batch that is still being written: its journal is locked by its writer.

A record binds path, archive and hash, and only paths valid with that very hash are rewritten: an item
collected since stays gone. A torn record at the end belongs to case 1.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from larix.formats.storepath import StorePath
from larix.store.atomic import sync_directory, sync_file_system, write_all
from larix.store.errors import os_failure
from larix.store.locks import open_lock_file, try_lock
from larix.words import tr

__all__ = ["Batch", "Journal", "Record", "boot_id"]

_MAGIC = b"larix journal 1\n"
_HEAD = Struct("<IQ32s")  # length of the path, length of the archive, SHA-256 of the archive
_SUFFIX = ".journal"
_SLAB = 4 * 1024 * 1024


class Record(NamedTuple):
    """An item: its path, its archive as pieces, the SHA-256 of the archive."""

    path: StorePath
    archive: bytes
    digest: bytes


def boot_id() -> str:
    """Names the run of this machine's kernel; empty when it cannot be told."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


class Batch:
    """A journal being written; keep it until the batch is registered, then `close` it."""

    def __init__(self, file: str, descriptor: int) -> None:
        self._file = file
        self._descriptor = descriptor

    def write(self, records: Iterable[Record]) -> None:
        """Append the records and make them durable."""
        try:
            slab: list[bytes] = [_MAGIC]
            size = 0
            for path, archive, digest in records:
                name = path.encode("ascii")
                slab += (_HEAD.pack(len(name), len(archive), digest), name, archive)
                size += len(archive)
                if size > _SLAB:
                    write_all(self._descriptor, b"".join(slab))
                    slab, size = [], 0
            write_all(self._descriptor, b"".join(slab))
            os.fsync(self._descriptor)
            sync_directory(os.path.dirname(self._file))
        except OSError as error:
            self.discard()
            raise os_failure(tr("write the journal"), self._file, error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """The batch came to nothing."""
        if self._descriptor >= 0:
            os.unlink(self._file)
            self.close()


class Journal:
    """The journals of one state directory."""

    def __init__(self, directory: str, store_dir: str, *, limit: int = 256 * 1024 * 1024) -> None:
        self._directory = directory
        self._store_dir = store_dir
        self._limit = limit
        self._boot = boot_id()
        self._count = 0

    @property
    def is_usable(self) -> bool:
        """False where boots cannot be told apart: then the batch's items must be synced themselves."""
        return bool(self._boot)

    def begin(self) -> Batch:
        while True:
            self._count += 1
            file = f"{self._directory}/{self._boot}.{os.getpid()}-{self._count}{_SUFFIX}"
            try:
                descriptor = os.open(
                    file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
                )
            except FileExistsError:
                continue
            except OSError as error:
                raise os_failure(tr("create the journal"), file, error) from error
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return Batch(file, descriptor)

    def _files(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._directory) if name.endswith(_SUFFIX)]
        except FileNotFoundError:
            return []

    def needs_replay(self) -> bool:
        """Whether there is a journal of an earlier boot."""
        return (
            any(not name.startswith(self._boot + ".") for name in self._files())
            if self._boot
            else bool(self._files())
        )

    def replay(self, restore: Callable[[Record], None]) -> None:
        """Give `restore` every record of earlier boots, then make all durable and drop those journals.

        One process does it; others wait, and find it done.
        """
        lock = open_lock_file(self._directory + "/lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            old = sorted(
                name for name in self._files() if not name.startswith(self._boot + ".") or not self._boot
            )
            for name in old:
                for record in _read_records(f"{self._directory}/{name}"):
                    restore(record)
            if old:
                sync_file_system(self._store_dir)
                for name in old:
                    os.unlink(f"{self._directory}/{name}")
        finally:
            os.close(lock)

    def records(self) -> Iterator[Record]:
        """Every whole record of every journal that is still there, of whatever boot."""
        for name in self._files():
            with suppress(FileNotFoundError):
                yield from _read_records(f"{self._directory}/{name}")

    def checkpoint_when_large(self) -> None:
        """Drop the journals, after a sync, when together they have grown past the limit."""
        size = 0
        for name in self._files():
            try:
                size += os.stat(f"{self._directory}/{name}").st_size
            except FileNotFoundError:
                continue
        if size > self._limit:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Sync the items of all finished batches of this boot, and drop their journals."""
        finished: list[tuple[str, int]] = []
        try:
            for name in self._files():
                if self._boot and name.startswith(self._boot + "."):
                    self._lock_finished(f"{self._directory}/{name}", finished)
            if finished:
                sync_file_system(self._store_dir)
                for file, _ in finished:
                    os.unlink(file)
        finally:
            for _, descriptor in finished:
                os.close(descriptor)

    def _lock_finished(self, file: str, finished: list[tuple[str, int]]) -> None:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        if try_lock(descriptor) and os.fstat(descriptor).st_nlink:
            finished.append((file, descriptor))
        else:
            os.close(descriptor)


def _read_records(file: str) -> Iterator[Record]:
    with open(file, "rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            return
        end = os.fstat(stream.fileno()).st_size
        while True:
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            name_length, archive_length, digest = _HEAD.unpack(head)
            if stream.tell() + name_length + archive_length > end:
                return
            name = stream.read(name_length)
            archive = stream.read(archive_length)
            if sha256(archive).digest() != digest:
                return
            yield Record(StorePath(name.decode("ascii", "replace")), archive, digest)
