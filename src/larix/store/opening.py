"""Opening a store: what is missing is made, what a crash tore is mended, what is damaged is told."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable

from larix.store.atomic import write_file
from larix.store.database import SCHEMA_VERSION, Database, DatabaseCorrupt
from larix.store.errors import DiskFull, StoreUnusable, os_failure, quoted
from larix.store.journal import Journal
from larix.store.layout import Layout
from larix.store.local import LocalStore
from larix.store.locks import open_lock_file, try_lock
from larix.store.registrations import Registrations, Tail
from larix.store.reserve import give_back, is_full, set_aside
from larix.words import tr

__all__ = ["open_local_store"]

_RETRY_SECONDS = 0.01


def open_local_store(
    layout: Layout, *, on_busy: Callable[[float], None] | None = None, to_collect: bool = False
) -> LocalStore:
    """Open the store, after making what is missing of it; what a crash of the machine tore is mended first.

    `to_collect`: all that is set aside for a full disk may be used, for garbage is to be collected.
    Raises `StoreUnusable` when this user may not write there, when root would write into the store of another
    user, or when a newer program has changed its format.
    """
    if layout.is_of_another():
        raise _not_for_root(layout)
    if not layout.is_complete():
        layout.create_directories()
        _initialise(layout)
    try:
        with open(layout.schema_file, encoding="ascii", errors="replace") as file:
            version = file.read().strip()
    except OSError as error:
        raise os_failure(tr("read"), layout.schema_file, error) from error
    if version != SCHEMA_VERSION:
        raise StoreUnusable(
            tr(
                "the database of `{state_dir}` has format `{version}`, and this larix knows {schema_version}",
                state_dir=layout.state_dir,
                version=quoted(version),
                schema_version=SCHEMA_VERSION,
            ),
            hint=tr("use the version of larix or Nix that wrote it, or another state directory"),
        )
    for directory in (layout.store_dir, os.path.dirname(layout.database_file)):
        if not os.access(directory, os.W_OK | os.X_OK):
            raise os_failure(tr("write in"), directory, OSError(errno.EACCES, os.strerror(errno.EACCES)))
    _refuse_default_acl(layout.store_dir)
    log = Registrations(layout.journal_dir)
    noted = log.tail()
    big_lock = open_lock_file(layout.big_lock_file)
    try:
        was_stopped = _was_stopped(layout, big_lock)
        fcntl.flock(big_lock, fcntl.LOCK_SH)
        database = _open_database(layout, on_busy, log, to_collect=to_collect)
    except BaseException:
        os.close(big_lock)
        raise
    journal = Journal(layout.journal_dir, layout.store_dir)
    store = LocalStore(layout, database, journal, big_lock)
    set_aside(layout)
    try:
        _check_database(store, noted, is_suspect=was_stopped)
        if journal.needs_replay():
            journal.replay(store.restore_from_journal)
    except BaseException:
        store.close()
        raise
    return store


def _not_for_root(layout: Layout) -> StoreUnusable:
    return StoreUnusable(
        tr(
            "`{store_dir}` is not root's: its owner could not delete what root would add",
            store_dir=layout.store_dir,
        ),
        hint=tr(
            "start its daemon, or run the command as its owner: `{command}`",
            command=layout.command_as_owner(),
        ),
    )


def _check_database(store: LocalStore, noted: Tail | None, *, is_suspect: bool) -> None:
    """Compare two numbers, and have SQLite check a file that nobody closed. Raises DatabaseCorrupt."""
    file, database = store.layout.database_file, store.database
    if noted is not None and database.transaction_number() < noted.transaction:
        raise DatabaseCorrupt(file, tr("it is older than what was noted of it"))
    problem = database.sqlite_problem() if is_suspect else None
    if problem is not None:
        raise DatabaseCorrupt(file, problem)


def _was_stopped(layout: Layout, big_lock: int) -> bool:
    """Whether whoever used the database last did not close it, and nobody else uses it now."""
    try:
        is_closed = os.stat(layout.database_file + "-wal").st_size == 0
    except OSError:
        return False
    return not is_closed and try_lock(big_lock)


def _open_database(
    layout: Layout, on_busy: Callable[[float], None] | None, log: Registrations, *, to_collect: bool
) -> Database:
    """On a full disk, with what was set aside for that."""
    if to_collect and is_full(os.path.dirname(layout.database_file)):
        give_back(layout, everything=True)
    try:
        return Database(layout.database_file, on_busy=on_busy, log=log)
    except DiskFull:
        if not give_back(layout, everything=False):
            raise
    return Database(layout.database_file, on_busy=on_busy, log=log)


def _refuse_default_acl(store_dir: str) -> None:
    """New files would inherit it, and items must be readable by all and writable by nobody."""
    try:
        os.getxattr(store_dir, "system.posix_acl_default")
    except OSError:
        return  # none, or a file system that knows none
    raise StoreUnusable(
        tr("`{store_dir}` has a default access list, which every item would inherit", store_dir=store_dir),
        hint=tr("remove it with `setfacl -k {store_dir}`", store_dir=store_dir),
    )


def _initialise(layout: Layout) -> None:
    """Make the database, once, however many processes come at the same time."""
    lock = open_lock_file(layout.big_lock_file)
    try:
        # Not waited for: who was first keeps the lock, shared, for as long as its store is open.
        while not try_lock(lock):
            if os.path.exists(layout.schema_file):
                return
            time.sleep(_RETRY_SECONDS)
        if os.path.exists(layout.schema_file):
            return
        if Registrations(layout.journal_dir).tail() is not None and not os.path.exists(layout.database_file):
            raise DatabaseCorrupt(layout.database_file, tr("it is gone"))
        os.close(os.open(layout.database_file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        database = Database(layout.database_file)
        try:
            with open(os.path.join(os.path.dirname(__file__), "schema.sql"), encoding="utf-8") as file:
                database.initialise(file.read())
        finally:
            database.close()
        set_aside(layout, is_new=True)
        write_file(layout.schema_file, SCHEMA_VERSION.encode("ascii"))
    except OSError as error:
        raise os_failure(tr("create"), layout.database_file, error) from error
    finally:
        os.close(lock)
