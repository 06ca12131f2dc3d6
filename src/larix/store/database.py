"""The table of valid paths: SQLite, schema 10 of Nix, in WAL mode.

Durability: `synchronous=FULL`, so a transaction that has returned survives a power cut. With NORMAL a cut
could undo an invalidation whose files are already gone (a valid path without content), or a registration that
a profile already relies on. The price is one sync of the log per transaction, about a millisecond; everything
here that is done for many paths is therefore one transaction for all of them.

Every transaction that writes starts as `BEGIN IMMEDIATE`: one that reads first and is then overtaken fails
with "busy snapshot", which no waiting mends. Waiting for another writer happens in slices, so that Ctrl-C
works.

One connection per `Database`, usable from several threads (one at a time); after a fork the child gets its
own.

Each transaction that makes paths valid or invalid has a number, which the file keeps as its `user_version`,
and is noted in the log of registrations once it is durable (see `registrations`).
"""

# ruff: noqa: S608 - what is put into statements are constants of this file; values are always parameters

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from larix.formats.storepath import StorePath
from larix.store.errors import StoreCorrupt, StoreError, StoreUnusable, os_failure
from larix.store.registrations import Logged, Record, Registrations
from larix.store.reserve import is_full
from larix.words import mark, tr

__all__ = ["Database", "DatabaseCorrupt", "Row", "StillReferred", "UnknownReference"]

SCHEMA_VERSION = "10"
_BUSY_SLICE_MS = 200
_WAL_PAGES = 40_000  # of 4 KiB: one checkpoint for a batch of tens of thousands of paths
_IN_LIST = "(select value from json_each(?))"

_NOT_YOURS = mark("check that the file and its directory are yours and on a file system mounted read-write")

# id, path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca
Row = tuple[int, str, str, int, str | None, int | None, int | None, str | None, str | None]
_COLUMNS = "id, path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca"

# What is inserted: path, hash, registration time, deriver, NAR size, ultimate, signatures, content address
NewRow = tuple[str, str, int, str | None, int, int | None, str | None, str | None]


class DatabaseCorrupt(StoreCorrupt):
    """The file is not what was written: SQLite, or the log of registrations, says so."""

    def __init__(self, file: str, problem: object) -> None:
        self.problem = " ".join(f"{problem}".split())
        super().__init__(
            tr("the store's database `{file}` is damaged: {problem}", file=file, problem=self.problem),
            hint=tr("make it again from what is in the store with `larix gc --rebuild-database`"),
        )


class UnknownReference(StoreError):
    """A path was to be registered that refers to one that is not valid."""


class StillReferred(StoreError):
    """A path was to be made invalid to which a valid one refers."""


def _json_list(paths: Iterable[str]) -> str:
    # Store paths hold no character that JSON escapes, and `json` would have to be imported at every start.
    return '["' + '","'.join(paths) + '"]'


class Database:
    """The open database. Methods taking many paths ask SQLite once for all of them."""

    def __init__(
        self,
        file: str,
        *,
        writable: bool = True,
        on_busy: Callable[[float], None] | None = None,
        log: Registrations | None = None,
    ) -> None:
        """`on_busy(seconds)` is called now and then while another process holds the write lock."""
        self._log = log
        self._file = file
        self._writable = writable
        self._on_busy = on_busy
        self._lock = threading.RLock()
        self._inherited: list[sqlite3.Connection] = []
        self._connection = self._connect()
        self._owner = os.getpid()

    def _connect(self) -> sqlite3.Connection:
        mode = "rw" if self._writable else "ro"
        quoted = self._file.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        try:
            connection = sqlite3.connect(
                f"file:{quoted}?mode={mode}",
                uri=True,
                timeout=_BUSY_SLICE_MS / 1000,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            if not os.path.lexists(self._file):
                raise DatabaseCorrupt(self._file, tr("it is gone")) from error
            raise StoreUnusable(
                tr("cannot open the store's database `{file}`: {error}", file=self._file, error=error),
                hint=tr(_NOT_YOURS),
            ) from error
        try:
            self._configure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _configure(self, connection: sqlite3.Connection) -> None:
        def settle() -> None:
            connection.execute("pragma foreign_keys = 1")
            if self._writable and connection.execute("pragma journal_mode").fetchone()[0] != "wal":
                connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute(f"pragma wal_autocheckpoint = {_WAL_PAGES}")

        self._patiently(settle)

    @property
    def _sqlite(self) -> sqlite3.Connection:
        if self._owner != os.getpid():
            # The parent's connection must be neither used nor closed here: only its own process may.
            self._inherited.append(self._connection)
            self._connection = self._connect()
            self._owner = os.getpid()
        return self._connection

    def close(self) -> None:
        if self._owner == os.getpid():
            self._connection.close()

    def _patiently(self, action: Callable[[], Any]) -> Any:
        """Do `action`, again while the database is busy; SQLite's other failures become ours."""
        started = time.monotonic()
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if _code(error) not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    raise self._failure(error) from error
            except sqlite3.DatabaseError as error:
                raise self._failure(error) from error
            if self._on_busy is not None:
                self._on_busy(time.monotonic() - started)

    def _failure(self, error: sqlite3.Error) -> StoreError:
        code = _code(error)
        if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN} and is_full(os.path.dirname(self._file)):
            code = sqlite3.SQLITE_FULL  # of the files beside the database it tells no more
        if str(error).startswith("Could not decode"):
            return DatabaseCorrupt(self._file, tr("it holds a text that is none"))
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return DatabaseCorrupt(self._file, error)
        if str(error).startswith(("no such table", "no such column")):  # it is empty, or another one
            return DatabaseCorrupt(self._file, error)
        if code == sqlite3.SQLITE_FULL:
            return os_failure(tr("write"), self._file, OSError(28, "No space left on device"))
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
            return StoreUnusable(
                tr("cannot write to the store's database `{file}`: {error}", file=self._file, error=error),
                hint=tr(_NOT_YOURS),
            )
        return StoreError(tr("the store's database `{file}` failed: {error}", file=self._file, error=error))

    def query(self, statement: str, *arguments: str | int | None) -> list[Any]:
        """All rows of a read."""
        with self._lock:
            rows: list[Any] = self._patiently(lambda: self._sqlite.execute(statement, arguments).fetchall())
            return rows

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """A context in which all statements take effect together, durably, or not at all."""
        with self._lock:
            connection = self._sqlite
            self._patiently(lambda: connection.execute("begin immediate"))
            try:
                yield connection
                self._patiently(lambda: connection.execute("commit"))
            except sqlite3.Error as error:
                _roll_back(connection)
                raise self._failure(error) from error
            except BaseException:
                _roll_back(connection)
                raise

    def initialise(self, schema: str) -> None:
        """Make the tables in an empty database."""
        with self.transaction() as connection:
            if connection.execute("select 1 from sqlite_master where name = 'ValidPaths'").fetchone() is None:
                for statement in _statements(schema):
                    connection.execute(statement)

    def valid_among(self, paths: Sequence[StorePath]) -> set[StorePath]:
        if not paths:
            return set()
        if len(paths) == 1:
            rows = self.query("select path from ValidPaths where path = ?", paths[0])
        else:
            rows = self.query(f"select path from ValidPaths where path in {_IN_LIST}", _json_list(paths))
        return {row[0] for row in rows}

    def rows(self, paths: Sequence[StorePath]) -> list[Row]:
        """The rows of those that are valid, in no order."""
        if len(paths) == 1:
            return self.query(f"select {_COLUMNS} from ValidPaths where path = ?", paths[0])
        return self.query(f"select {_COLUMNS} from ValidPaths where path in {_IN_LIST}", _json_list(paths))

    def references_of(self, paths: Sequence[StorePath]) -> dict[StorePath, list[StorePath]]:
        """For each valid path with references, what it refers to (itself too), sorted."""
        found: dict[StorePath, list[StorePath]] = {}
        for path, reference in self.query(
            "select user.path, used.path from ValidPaths as user join Refs on referrer = user.id "
            "join ValidPaths as used on reference = used.id "
            f"where user.path in {_IN_LIST} order by used.path",
            _json_list(paths),
        ):
            found.setdefault(path, []).append(reference)
        return found

    def referrers(self, path: StorePath) -> set[StorePath]:
        rows = self.query(
            "select path from Refs join ValidPaths on referrer = id "
            "where reference = (select id from ValidPaths where path = ?)",
            path,
        )
        return {row[0] for row in rows}

    def closure(self, paths: Sequence[StorePath], *, upwards: bool = False) -> set[StorePath]:
        """`paths` (those that are valid) and all they refer to; `upwards`: all that refer to them."""
        here, there = ("reference", "referrer") if upwards else ("referrer", "reference")
        rows = self.query(
            "with recursive reached(id) as ("
            f" select id from ValidPaths where path in {_IN_LIST}"
            f" union select {there} from Refs join reached on {here} = reached.id"
            ") select path from reached join ValidPaths using (id)",
            _json_list(paths),
        )
        return {row[0] for row in rows}

    def derivers(self, path: StorePath) -> set[StorePath]:
        """The valid derivations with this output."""
        rows = self.query(
            "select drv.path from DerivationOutputs as made join ValidPaths as drv on made.drv = drv.id "
            "where made.path = ?",
            path,
        )
        return {row[0] for row in rows}

    def made_paths(self) -> list[tuple[StorePath, StorePath, int]]:
        """The valid paths that valid derivations name, each with its own and the time of its registration."""
        return self.query(
            "select made.path, drv.path, made.registrationTime from ValidPaths as made "
            "join ValidPaths as drv on drv.path = made.deriver where made.ca is null"
        )

    def outputs_of(self, drvs: Sequence[StorePath]) -> dict[StorePath, dict[str, StorePath]]:
        """For each valid derivation, its outputs by name, sorted."""
        found: dict[StorePath, dict[str, StorePath]] = {}
        for drv, name, path in self.query(
            "select ValidPaths.path, DerivationOutputs.id, DerivationOutputs.path from ValidPaths "
            "join DerivationOutputs on drv = ValidPaths.id "
            f"where ValidPaths.path in {_IN_LIST} order by DerivationOutputs.id",
            _json_list(drvs),
        ):
            found.setdefault(drv, {})[name] = path
        return found

    def all_paths(self) -> set[StorePath]:
        return {row[0] for row in self.query("select path from ValidPaths")}

    def path_with_hash_part(self, prefix: str) -> StorePath | None:
        """The valid path that starts with `prefix` (the store directory, a slash, a hash part)."""
        rows = self.query("select path from ValidPaths where path >= ? order by path limit 1", prefix)
        return StorePath(rows[0][0]) if rows and rows[0][0].startswith(prefix) else None

    def has_named(self, store_dir: str, name: str) -> bool:
        """Whether some valid path is called `name` after its hash part; looks at every path."""
        start = len(store_dir) + 34  # a slash and 32 digits; SQL counts from 1
        return bool(
            self.query("select 1 from ValidPaths where substr(path, ?) = ? limit 1", start, f"-{name}")
        )

    def register(
        self,
        rows: Sequence[NewRow],
        references: Sequence[Sequence[StorePath]],
        outputs: Iterable[tuple[StorePath, str, StorePath]] = (),
    ) -> None:
        """Make paths valid, all or none.

        `references[i]` are those of `rows[i]`, `outputs` those of derivations. A path that is valid already
        gets the new hash, size, signatures and content address. Raises `UnknownReference` when a reference is
        neither valid nor among `rows`.
        """
        with self.transaction() as connection:
            wanted = {row[0] for row in rows}
            for some in references:
                wanted.update(some)
            ids: dict[str, int] = dict(
                connection.execute(
                    f"select path, id from ValidPaths where path in {_IN_LIST}", (_json_list(wanted),)
                )
            )
            last = connection.execute("select seq from sqlite_sequence where name = 'ValidPaths'").fetchone()
            next_id = (last[0] if last else 0) + 1
            fresh: list[tuple[Any, ...]] = []
            for row in rows:
                if row[0] in ids:
                    connection.execute(
                        "update ValidPaths set narSize = ?, hash = ?, ultimate = ?, sigs = ?, ca = ? "
                        "where path = ?",
                        (row[4], row[1], row[5], row[6], row[7], row[0]),
                    )
                else:
                    fresh.append((next_id, *row))
                    ids[row[0]] = next_id
                    next_id += 1
            connection.executemany(
                f"insert into ValidPaths ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", fresh
            )
            try:
                pairs = [
                    (ids[row[0]], ids[reference])
                    for row, some in zip(rows, references, strict=True)
                    for reference in some
                ]
            except KeyError as error:
                missing = error.args[0]
                raise UnknownReference(
                    tr(
                        "`{user}` refers to `{missing}`, which is not valid",
                        user=_user_of(missing, rows, references),
                        missing=missing,
                    )
                ) from None
            connection.executemany("insert or replace into Refs (referrer, reference) values (?, ?)", pairs)
            connection.executemany(
                "insert or replace into DerivationOutputs (drv, id, path) values (?, ?, ?)",
                [(ids[drv], name, path) for drv, name, path in outputs],
            )
            number = _numbered(connection)
        if self._log is not None:
            used = {row[0]: some for row, some in zip(rows, references, strict=True)}
            records = [_record(row, used[row[1]]) for row in fresh]
            if len(fresh) < len(rows):
                updated = used.keys() - {row[1] for row in fresh}
                records += self._read_records(f"where path in {_IN_LIST}", _json_list(updated))
            self._note(Logged(number, records))

    def invalidate(self, paths: Iterable[StorePath]) -> None:
        """Make paths invalid, all or none; raises `StillReferred` when another valid path refers to one."""
        listed = _json_list(paths)
        with self.transaction() as connection:
            dead = f"(select id from ValidPaths where path in {_IN_LIST})"
            user = connection.execute(
                "select user.path, used.path from Refs join ValidPaths as user on referrer = user.id "
                "join ValidPaths as used on reference = used.id "
                f"where reference in {dead} and referrer not in {dead} limit 1",
                (listed, listed),
            ).fetchone()
            if user is not None:
                raise StillReferred(
                    tr("`{path}` is in use: `{user}` refers to it", path=user[1], user=user[0])
                )
            found = connection.execute(f"select id from ValidPaths where path in {_IN_LIST}", (listed,))
            gone = [row[0] for row in found]
            connection.execute(f"delete from Refs where referrer in {dead}", (listed,))
            connection.execute(f"delete from ValidPaths where path in {_IN_LIST}", (listed,))
            number = _numbered(connection)
        if gone:
            self._note(Logged(number, (), gone))

    def add_signatures(self, path: StorePath, signatures: Iterable[str]) -> None:
        with self.transaction() as connection:
            row = connection.execute("select sigs from ValidPaths where path = ?", (path,)).fetchone()
            if row is None:
                return
            merged = " ".join(sorted({*(row[0] or "").split(), *signatures}))
            connection.execute("update ValidPaths set sigs = ? where path = ?", (merged or None, path))
            number = _numbered(connection)
        self._note(Logged(number, list(self._read_records("where path = ?", path))))

    def transaction_number(self) -> int:
        """The number of the last transaction that made paths valid or invalid."""
        return int(self.query("pragma user_version")[0][0])

    def sqlite_problem(self) -> str | None:
        """What SQLite's check of the whole file, indexes too, finds wrong first."""
        found = str(self.query("pragma integrity_check(1)")[0][0])
        return None if found == "ok" else found.replace("\n", " ")

    def vacuum(self) -> int:
        """Write the file anew without the room that deleted rows left; the bytes that saved.

        It needs as much free space as the file has, and waits until nobody else uses it.
        """
        before = os.stat(self._file).st_size
        with self._lock:
            self._patiently(lambda: self._sqlite.execute("vacuum"))
            self._patiently(lambda: self._sqlite.execute("pragma wal_checkpoint(truncate)").fetchall())
        return before - os.stat(self._file).st_size

    # The log of registrations

    def _note(self, logged: Logged) -> None:
        if self._log is not None:
            self._log.append(logged, between=self._records_between, everything=self.everything)

    def renew_log(self) -> None:
        """Have the log say what the database says, and nothing else."""
        if self._log is not None:
            self._log.write_anew(self.everything)

    def everything(self) -> tuple[int, int, list[Record]]:
        """The number of the last transaction, the last row, and all rows, of one moment."""
        with self._lock:
            connection = self._sqlite
            self._patiently(lambda: connection.execute("begin"))
            try:
                number = self.transaction_number()
                last = self.query("select seq from sqlite_sequence where name = 'ValidPaths'")
                return number, last[0][0] if last else 0, list(self._read_records(""))
            finally:
                _roll_back(connection)

    def _records_between(self, first: int, last: int) -> Iterable[Record]:
        return self._read_records("where id between ? and ?", first, last)

    def _read_records(self, where: str, *arguments: str | int) -> Iterable[Record]:
        references: dict[int, list[str]] = {}
        for referrer, path in self.query(
            "select referrer, path from Refs join ValidPaths on reference = id "
            f"where referrer in (select id from ValidPaths {where})",
            *arguments,
        ):
            references.setdefault(referrer, []).append(path)
        for row in self.query(f"select {_COLUMNS} from ValidPaths {where} order by id", *arguments):
            yield _record(row, references.get(row[0], ()))


def _code(error: sqlite3.Error) -> int:
    """SQLite's number of an error; Python's own errors about what SQLite gave it have none."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _record(row: Any, references: Iterable[str]) -> Record:
    number, path, archive, registered, deriver, size, ultimate, signatures, address = row
    used = tuple(sorted(set(references)))
    return Record(number, path, archive, registered, deriver, size, ultimate, signatures, address, used)


def _numbered(connection: sqlite3.Connection) -> int:
    """Give the transaction that runs its number."""
    number = (int(connection.execute("pragma user_version").fetchone()[0]) + 1) & 0x7FFFFFFF
    connection.execute(f"pragma user_version = {number}")
    return number


def _user_of(reference: str, rows: Sequence[NewRow], references: Sequence[Sequence[StorePath]]) -> str:
    return next(
        (row[0] for row, some in zip(rows, references, strict=True) if reference in some), "something"
    )


def _statements(schema: str) -> list[str]:
    found: list[str] = []
    pending = ""
    for line in schema.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")
