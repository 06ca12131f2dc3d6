"""Making the database again: from the log of registrations, what the damaged one still tells, and names.

    log, damaged file, items named by their content ──► records ──► looked at on disk ──► a new database

What the log says is believed; what was read out of a damaged file counts where the content of the item has
the very hash. Sources, derivations and fixed outputs need no record, since their names follow from what they
hold. An item that is damaged or gone keeps its record where others refer to it, or where the log knows it and
it is there: then `larix gc --verify=contents,repair` can make it again. All that is not kept is told.

The old files are kept beside the new one. A crash leaves the old database, or none, and then this can be done
again; the log is renewed last.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from larix.derivation.record import BadDerivation
from larix.derivation.text import parse_derivation
from larix.errors import LarixError
from larix.formats.hashes import Hash
from larix.formats.storepath import (
    BadStorePath,
    StorePath,
    make_fixed_path,
    make_text_path,
    name_part,
    parse_store_path,
)
from larix.store.atomic import sync_directory, write_file
from larix.store.database import SCHEMA_VERSION, Database, NewRow
from larix.store.errors import StoreError, StoreUnusable, os_failure
from larix.store.layout import Layout
from larix.store.locks import open_lock_file, try_lock
from larix.store.opening import open_local_store
from larix.store.pipeline import hash_file
from larix.store.refscan import ReferenceScanner
from larix.store.registrations import Record, Registrations
from larix.store.salvaging import salvaged_records, transaction_number
from larix.store.tree import read_archive
from larix.store.verify import is_intact
from larix.words import tr

__all__ = ["Rebuilt", "rebuild_database"]

_SUFFIXES = ("", "-wal", "-shm")
_TEMPORARY = ("-larix-incoming", "-larix-deleted", "-check")


class Rebuilt(NamedTuple):
    """`damaged` items are valid, though their content is not what was registered; `lost` has reasons."""

    saved: int
    damaged: list[StorePath]
    lost: dict[StorePath, str]
    old_file: str | None


def rebuild_database(layout: Layout, on_path: Callable[[StorePath], object] | None = None) -> Rebuilt:
    """Replace the database by one made from all that can be found; nobody else may have it open.

    `on_path` hears of each item before it is looked at.
    """
    layout.create_directories()
    lock = open_lock_file(layout.big_lock_file)
    try:
        if not try_lock(lock):
            raise StoreUnusable(
                tr("the store `{store_dir}` is in use", store_dir=layout.store_dir),
                hint=tr("end what uses it, a daemon's clients for instance, and run the command again"),
            )
        log = Registrations(layout.journal_dir)
        state = log.read()
        noted = {record.path: record for record in state.records()}
        salvaged = {record.path: record for record in salvaged_records(layout)}
        found = _Found(layout, noted, salvaged, on_path)
        found.look()
        kept = found.kept()
        number = max(state.tail.transaction, transaction_number(layout.database_file))
        _write(layout, list(kept.values()), number)
        old_file = _swap(layout)
        write_file(layout.schema_file, SCHEMA_VERSION.encode("ascii"))
        fcntl.flock(lock, fcntl.LOCK_UN)
        with open_local_store(layout) as store:
            store.database.renew_log()
            infos = store.path_infos([path for path in found.damaged if path in kept])
            damaged = sorted(path for path, info in infos.items() if not is_intact(info))
    finally:
        os.close(lock)
    lost = {path: reason for path, reason in found.lost.items() if path not in kept}
    return Rebuilt(len(kept), damaged, lost, old_file)


class _Found:
    """What is known of each item, and what the disk says to it."""

    def __init__(
        self,
        layout: Layout,
        noted: dict[str, Record],
        salvaged: dict[str, Record],
        on_path: Callable[[StorePath], object] | None,
    ) -> None:
        self._layout = layout
        self._records: dict[str, Record] = salvaged | noted
        self._noted = noted
        self._on_path = on_path
        self._there = set(_items(layout))
        self._intact: dict[StorePath, Record] = {}
        self.damaged: set[StorePath] = set()
        self.lost: dict[StorePath, str] = {}

    def look(self) -> None:
        """Compare every item that is there, and every record, with each other."""
        drvs: list[StorePath] = []
        unnamed: list[StorePath] = []
        for path in sorted(self._there):
            if self._on_path is not None:
                self._on_path(path)
            record = self._records.get(path)
            digest = _digest(path)
            if record is not None and digest is not None and record.hash == "sha256:" + digest.hex():
                self._intact[path] = record if path in self._noted else self._with_references(record, digest)
            else:
                own = None if digest is None else self._by_name(path, digest)
                if own is not None:
                    self._intact[path] = own
                elif record is not None:
                    self.damaged.add(path)
                    self.lost[path] = tr("its content is not what was registered")
                else:
                    unnamed.append(path)
            if path in self._intact and path.endswith(".drv"):
                drvs.append(path)
        fixed = dict(self._fixed_outputs(drvs))
        for path in unnamed:
            if path in fixed:
                self._intact[path] = fixed[path]
            else:
                self.lost[path] = tr("nothing tells what it should be")
        for gone in self._records.keys() - self._there:
            self.damaged.add(StorePath(gone))
            self.lost[StorePath(gone)] = tr("it is gone")

    def kept(self) -> dict[StorePath, Record]:
        """The records of what can be valid: closed under references."""
        kept = dict(self._intact)
        for there in self.damaged & self._there:
            if there in self._noted:
                kept[there] = self._noted[there]
        todo = list(kept.values())
        while todo:
            for reference in todo.pop().references:
                path = StorePath(reference)
                if path not in kept and path in self._records:
                    kept[path] = self._records[path]
                    todo.append(self._records[path])
        missing = True
        while missing:
            missing = False
            for path, record in list(kept.items()):
                gone = next((each for each in record.references if each not in kept), None)
                if gone is not None:
                    del kept[path]
                    self.lost[path] = tr("`{path}`, to which it refers, is lost", path=gone)
                    missing = True
        return kept

    def _by_name(self, path: StorePath, digest: bytes) -> Record | None:
        """The record of an item whose name follows from its content and what it refers to."""
        name, store_dir = name_part(path), self._layout.store_dir
        archive = Hash("sha256", digest)
        text = _plain_text(path)
        choices: list[tuple[StorePath, ...]] = [()]
        if text is not None and name.endswith(".drv"):
            with suppress(BadDerivation, BadStorePath):
                drv = parse_derivation(text, name.removesuffix(".drv"))
                choices.append(tuple(sorted({*drv.input_drvs, *drv.input_srcs})))
        else:
            choices.append(self._scanned(path))
        for references in dict.fromkeys(choices):
            if text is not None:
                flat = Hash("sha256", sha256(text).digest())
                if make_text_path(store_dir, name, flat.digest, references) == path:
                    return _record(path, archive, f"text:{flat}", references)
                if not references and make_fixed_path(store_dir, name, flat, recursive=False) == path:
                    return _record(path, archive, f"fixed:{flat}", ())
            if make_fixed_path(store_dir, name, archive, recursive=True, references=references) == path:
                return _record(path, archive, f"fixed:r:{archive}", references)
        return None

    def _with_references(self, record: Record, digest: bytes) -> Record:
        """The record, read out of a damaged file, with the references that the content shows."""
        path = StorePath(record.path)
        own = self._by_name(path, digest)
        if own is not None:
            return record._replace(references=own.references, address=own.address)
        references = {*record.references, *self._scanned(path)}
        return record._replace(references=tuple(sorted(references)))

    def _scanned(self, path: StorePath) -> tuple[StorePath, ...]:
        scanner = ReferenceScanner(self._there - {path})
        with suppress(StoreError, OSError):
            for piece in read_archive(path):
                scanner.feed(piece)
        return tuple(sorted(scanner.found))

    def _fixed_outputs(self, drvs: Iterable[StorePath]) -> Iterator[tuple[StorePath, Record]]:
        """Fixed outputs that are there, have no record, and are what their derivations promise."""
        for drv in drvs:
            with suppress(LarixError, OSError):
                text = _plain_text(drv) or b""
                for output in parse_derivation(text, name_part(drv).removesuffix(".drv")).outputs.values():
                    path = StorePath(output.path)
                    if not output.is_fixed or path not in self._there or path in self._intact:
                        continue
                    promised = output.fixed_hash()
                    if promised.digest == _content_digest(path, promised.algo, flat=not output.is_recursive):
                        address = f"fixed:{'r:' if output.is_recursive else ''}{promised}"
                        archive = Hash("sha256", _digest(path) or b"")
                        yield path, _record(path, archive, address, ())._replace(deriver=drv)


def _record(path: StorePath, archive: Hash, address: str, references: tuple[StorePath, ...]) -> Record:
    size = hash_file(path)[1]
    text = f"sha256:{archive.base16()}"
    return Record(0, path, text, int(time.time()), None, size, None, None, address, references)


def _items(layout: Layout) -> Iterator[StorePath]:
    """All that is there under the name of an item, but for what somebody was just writing or deleting."""
    try:
        names = os.listdir(layout.store_dir)
    except OSError as error:
        raise os_failure(tr("read"), layout.store_dir, error) from error
    for name in names:
        if not name.endswith((".lock", *_TEMPORARY)):
            with suppress(BadStorePath):
                yield parse_store_path(layout.store_dir, f"{layout.store_dir}/{name}")


def _digest(path: StorePath) -> bytes | None:
    try:
        return hash_file(path)[0]
    except (StoreError, OSError):
        return None


def _content_digest(path: StorePath, algo: str, *, flat: bool) -> bytes | None:
    if not flat:
        return hash_file(path, algo)[0]
    text = _plain_text(path)
    if text is None:
        return None
    import hashlib

    return hashlib.new(algo, text, usedforsecurity=False).digest()


def _plain_text(path: StorePath) -> bytes | None:
    """What a single file that is not executable holds."""
    try:
        if os.path.islink(path) or not os.path.isfile(path) or os.stat(path).st_mode & 0o111:
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


# The new one


def _write(layout: Layout, records: list[Record], number: int) -> None:
    file = layout.database_file + ".new"
    for suffix in _SUFFIXES:
        with suppress(FileNotFoundError):
            os.unlink(file + suffix)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    database = Database(file)
    try:
        with open(os.path.join(os.path.dirname(__file__), "schema.sql"), encoding="utf-8") as schema:
            database.initialise(schema.read())
        with database.transaction() as connection:
            connection.execute(f"pragma user_version = {number}")
        records.sort(key=lambda record: (record.id, record.path))
        rows: list[NewRow] = [
            (
                record.path,
                record.hash,
                record.registered,
                record.deriver,
                record.size or 0,
                record.ultimate,
                record.signatures,
                record.address,
            )
            for record in records
        ]
        references = [[StorePath(path) for path in record.references] for record in records]
        database.register(rows, references, _outputs(records))
    finally:
        database.close()
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _outputs(records: Iterable[Record]) -> Iterator[tuple[StorePath, str, StorePath]]:
    for record in records:
        if record.path.endswith(".drv"):
            path = StorePath(record.path)
            with suppress(LarixError):
                drv = parse_derivation(_plain_text(path) or b"", name_part(path).removesuffix(".drv"))
                for name, output in drv.outputs.items():
                    if output.path:
                        yield path, name, StorePath(output.path)


def _swap(layout: Layout) -> str | None:
    """Put the new database in the old one's place; the name under which the old one is kept."""
    file = layout.database_file
    aside = f"{file}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}"
    was_there = os.path.lexists(file)
    try:
        if was_there:
            os.link(file, aside)
        for suffix in _SUFFIXES[1:]:
            with suppress(FileNotFoundError):
                os.rename(file + suffix, aside + suffix)
        os.rename(file + ".new", file)
        sync_directory(os.path.dirname(file))
    except OSError as error:
        raise os_failure(tr("replace"), file, error) from error
    return aside if was_there else None
