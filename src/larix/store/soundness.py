"""Is the database what was written? SQLite's own check, and then row by row against the log of registrations.

SQLite sees broken pages; that a digit of a hash or of a name is another one only the log can tell.
"""

from __future__ import annotations

import os

from larix.store.database import DatabaseCorrupt
from larix.store.local import LocalStore
from larix.store.registrations import Record
from larix.words import tr

__all__ = ["database_problem", "refuse_damaged"]


def database_problem(store: LocalStore) -> str | None:
    """What is wrong with the database, in a few words. Renews the log if it lacks something."""
    database = store.database
    try:
        problem = database.sqlite_problem()
        if problem is not None:
            return problem
        state = store.registrations.read()
        number, last, records = database.everything()
    except DatabaseCorrupt as error:
        return error.problem
    noted = state.tail
    if number < noted.transaction:
        return tr("it is older than what was noted of it")
    if not state.is_complete or number > noted.transaction:
        database.renew_log()  # nothing follows from what is not noted
        return None
    rows = {record.id: record for record in records}
    for record in state.records():
        problem = _difference(record, rows.get(record.id))
        if problem is not None:
            return problem
    for record in records:
        if record.id <= noted.row and record.id not in state.lines:
            return tr("it holds `{path}`, which was never registered", path=record.path)
    if last > noted.row:
        database.renew_log()
    return None


def _difference(noted: Record, found: Record | None) -> str | None:
    if found is None:
        # Others, who note nothing, delete too; then the item is gone as well.
        if os.path.lexists(noted.path):
            return tr("`{path}` is missing in it", path=noted.path)
        return None
    if _essence(noted) == _essence(found):
        return None
    return tr("what it says of `{path}` is not what was registered", path=noted.path)


def _essence(record: Record) -> tuple[object, ...]:
    """All but signatures and times, which others may set."""
    return (
        record.path,
        record.hash,
        record.deriver,
        record.size,
        record.ultimate,
        record.address,
        record.references,
    )


def refuse_damaged(store: LocalStore) -> None:
    """Raises DatabaseCorrupt when the database cannot be relied upon to tell what may be deleted.

    That is what is there, and what refers to what; other fields are not looked at.
    """
    database = store.database
    problem = database.sqlite_problem()
    if problem is None:
        state = store.registrations.read()
        number = database.transaction_number()
        if number < state.tail.transaction:
            problem = tr("it is older than what was noted of it")
        elif not state.is_complete:
            database.renew_log()
        elif number == state.tail.transaction:  # or else somebody is about to note what he just did
            if state.is_wasteful:
                database.renew_log()
            gone = state.lines.keys() - {row[0] for row in database.query("select id from ValidPaths")}
            found = (_difference(state.record(each), None) for each in gone)
            problem = next((each for each in found if each is not None), None)
    if problem is not None:
        raise DatabaseCorrupt(store.layout.database_file, problem)
