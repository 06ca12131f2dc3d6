"""Which outputs a build has failed to make: the table `FailedPaths`, as Guix keeps it.

Only where the operator wants it (`cache-failures`): whoever asks again for what is broken is then told at
once. The table is made when something is noted first, and a record stays until it is cleared. It is no part
of the log of registrations: with the database, it may be lost.
"""

# ruff: noqa: S608 - what is put into statements is a constant of this file; values are always parameters

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from larix.formats.storepath import StorePath

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.store.database import Database

__all__ = ["clear_failures", "failures", "note_failure"]

_LISTED = "(select value from json_each(?))"
_TABLE = "create table if not exists FailedPaths (path text primary key not null, time integer not null)"


def failures(database: Database, among: Iterable[StorePath] | None = None) -> dict[StorePath, int]:
    """When the build of which outputs failed, in seconds since 1970: of all, or of those `among` some."""
    if not database.query("select 1 from sqlite_master where name = 'FailedPaths'"):
        return {}
    if among is None:
        found = database.query("select path, time from FailedPaths order by path")
    else:
        found = database.query(f"select path, time from FailedPaths where path in {_LISTED}", _listed(among))
    return {StorePath(path): when for path, when in found}


def note_failure(database: Database, outputs: Iterable[StorePath]) -> None:
    now = int(time.time())
    with database.transaction() as connection:
        connection.execute(_TABLE)
        connection.executemany(
            "insert or replace into FailedPaths (path, time) values (?, ?)", [(path, now) for path in outputs]
        )


def clear_failures(database: Database, paths: Iterable[StorePath] | None = None) -> None:
    """Forget that the builds of `paths` failed; with None, all."""
    if not failures(database):
        return
    with database.transaction() as connection:
        if paths is None:
            connection.execute("delete from FailedPaths")
        else:
            connection.execute(f"delete from FailedPaths where path in {_LISTED}", (_listed(paths),))


def _listed(paths: Iterable[StorePath]) -> str:
    return json.dumps(list(paths))
