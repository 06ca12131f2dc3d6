"""What can still be read of a damaged database; nothing of it is certain."""

# ruff: noqa: S608 - what is put into statements are words of this file

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from larix.formats.storepath import BadStorePath, parse_store_path
from larix.store.layout import Layout
from larix.store.registrations import Record

__all__ = ["salvaged_records", "transaction_number"]

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def salvaged_records(layout: Layout) -> list[Record]:
    """What can still be read, from either end as far as that goes; nothing of it is certain."""
    rows: dict[int, tuple[Any, ...]] = {}
    references: dict[int, set[int]] = {}
    with suppress(sqlite3.Error), closing(_open_damaged(layout.database_file)) as connection:
        for order in ("asc", "desc"):
            for row in _readable(
                connection,
                "select id, path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca"
                f" from ValidPaths order by id {order}",
            ):
                rows.setdefault(row[0], row)
            for referrer, reference in _readable(
                connection,
                f"select referrer, reference from Refs order by rowid {order}",
            ):
                references.setdefault(referrer, set()).add(reference)
    found: list[Record] = []
    for number, row in rows.items():
        used = [rows[each][1] for each in references.get(number, ()) if each in rows]
        with suppress(BadStorePath, TypeError, ValueError):
            found.append(_believable(layout, row, used))
    return found


def _open_damaged(file: str) -> sqlite3.Connection:
    quoted = file.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = _text
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _readable(connection: sqlite3.Connection, statement: str) -> Iterator[tuple[Any, ...]]:
    with suppress(sqlite3.Error):
        yield from connection.execute(statement)


def _believable(layout: Layout, row: tuple[Any, ...], used: list[Any]) -> Record:
    """The row, if it makes sense. Raises BadStorePath, TypeError or ValueError."""
    number, path, text, registered, deriver, size, ultimate, signatures, address = row
    if not all(isinstance(each, str) for each in (path, text, *used, deriver or "")):
        raise TypeError(path)
    parse_store_path(layout.store_dir, path)
    if not _HASH.fullmatch(text):
        raise ValueError(text)
    for each in (*used, *([deriver] if deriver else [])):
        parse_store_path(layout.store_dir, each)
    return Record(
        number,
        path,
        text,
        int(registered or 0),
        deriver or None,
        int(size or 0),
        1 if ultimate else None,
        signatures if isinstance(signatures, str) else None,
        address if isinstance(address, str) else None,
        tuple(sorted(used)),
    )


def transaction_number(file: str) -> int:
    with suppress(sqlite3.Error), closing(_open_damaged(file)) as connection:
        return int(connection.execute("pragma user_version").fetchone()[0]) & 0x7FFFFFFF
    return 0
