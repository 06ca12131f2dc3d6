"""What a pack has beside items that is to serve as a store: the database, and the links of the profile."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from larix.formats.hashes import Hash
from larix.pack.entries import Entry, File, Link
from larix.store import database
from larix.store.pipeline import hash_file

if TYPE_CHECKING:
    from larix.pack.content import Closure
    from larix.pack.options import PackOptions

__all__ = ["state_entries"]

_REGISTERED = 1  # seconds since the epoch, as everything in a pack

with open(os.path.join(os.path.dirname(database.__file__), "schema.sql"), encoding="utf-8") as _file:
    _SCHEMA = _file.read()


def state_entries(closure: Closure, options: PackOptions) -> list[Entry]:
    """The entries, if the options want any."""
    if not options.state_directory:
        return []
    top = os.fsencode(options.state_directory.lstrip("/"))
    link = os.fsencode(options.profile_name)
    profiles = top + b"/profiles/" + link
    target = os.fsencode(options.profile)
    if options.launcher:
        target = os.path.relpath(target, b"/" + os.path.dirname(profiles))
    database_bytes, version = _database(closure), database.SCHEMA_VERSION.encode("ascii")
    return [
        File(top + b"/db/db.sqlite", len(database_bytes), contents=database_bytes),
        File(top + b"/db/schema", len(version), contents=version),
        Link(profiles, os.path.basename(link) + b"-1-link"),
        Link(profiles + b"-1-link", target),
    ]


def _database(closure: Closure) -> bytes:
    """A database in which the closure is valid, the same whenever and wherever it is written.

    It is made in memory, for SQLite opens files by their full names, and a builtin's folder has none.
    """
    numbers = {item: number for number, item in enumerate(closure.items, 1)}
    rows: list[tuple[int, str, str, int, int]] = []
    for item, number in numbers.items():
        path = f"{closure.store_dir}/{item}"
        digest, size = hash_file(path)
        rows.append((number, path, f"sha256:{Hash('sha256', digest).base16()}", _REGISTERED, size))
    references = [
        (numbers[item], numbers[other])
        for item, others in closure.references.items()
        for other in sorted(others)
    ]
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(f"pragma page_size = 4096; begin; {_SCHEMA}")
        connection.executemany(
            "insert into ValidPaths (id, path, hash, registrationTime, narSize) values (?, ?, ?, ?, ?)", rows
        )
        connection.executemany("insert into Refs (referrer, reference) values (?, ?)", references)
        connection.execute("commit")
        return connection.serialize()
    finally:
        connection.close()
