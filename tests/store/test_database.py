"""The database: its shape is Nix's, its transactions are whole, its failures are typed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.database import Database, DatabaseCorrupt, StillReferred, UnknownReference
from larix.store.waiting import tell_of_database
from vectors import load


def structure(file: str) -> dict[str, Any]:
    """Tables with their columns, keys, indices and triggers, without how they were spelled."""
    connection = sqlite3.connect(file)
    try:
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        return {
            "tables": {
                table: {
                    "columns": [list(row) for row in connection.execute(f"pragma table_info({table})")],
                    "foreign_keys": sorted(
                        list(row[2:7]) for row in connection.execute(f"pragma foreign_key_list({table})")
                    ),
                    "indices": sorted(
                        [
                            row[1],
                            row[2],
                            [entry[2] for entry in connection.execute(f"pragma index_info({row[1]})")],
                        ]
                        for row in connection.execute(f"pragma index_list({table})")
                    ),
                    "autoincrement": "autoincrement"
                    in connection.execute(
                        "select sql from sqlite_master where name = ?", (table,)
                    ).fetchone()[0],
                }
                for table in sorted(tables)
            },
            "triggers": {
                name: " ".join(sql.lower().split())
                for name, sql in connection.execute(
                    "select name, sql from sqlite_master where type = 'trigger'"
                )
            },
        }
    finally:
        connection.close()


@pytest.fixture
def database(layout: Layout) -> Iterator[Database]:
    open_local_store(layout).close()
    opened = Database(layout.database_file)
    yield opened
    opened.close()


def path(name: str) -> StorePath:
    return StorePath(f"/larix/store/{'0' * 32}-{name}")


def row(name: str) -> tuple[str, str, int, None, int, None, None, None]:
    return (path(name), "sha256:" + "0" * 64, 1, None, 1, None, None, None)


def test_the_tables_are_those_of_nix(layout: Layout) -> None:
    open_local_store(layout).close()
    assert structure(layout.database_file) == load("nix", "schema")


def test_the_log_is_written_ahead(database: Database) -> None:
    assert database.query("pragma journal_mode") == [("wal",)]
    assert database.query("pragma synchronous") == [(2,)]
    assert database.query("pragma foreign_keys") == [(1,)]
    assert database.sqlite_problem() is None


def test_a_failed_registration_leaves_nothing(database: Database) -> None:
    with pytest.raises(UnknownReference, match=r"`.*-b` refers to `.*-missing`"):
        database.register([row("a"), row("b")], [(), (path("a"), path("missing"))])
    assert database.all_paths() == set()


def test_circles_and_self_references_can_be_registered_and_removed(database: Database) -> None:
    database.register([row("a"), row("b")], [(path("a"), path("b")), (path("a"),)])
    assert database.closure([path("b")]) == {path("a"), path("b")}
    assert database.closure([path("b")], upwards=True) == {path("a"), path("b")}
    with pytest.raises(StillReferred):
        database.invalidate([path("a")])
    database.invalidate([path("a"), path("b")])
    assert database.all_paths() == set()
    assert database.query("select * from Refs") == []


def test_registering_again_updates_the_record(database: Database) -> None:
    database.register([row("a")], [()])
    database.register([(*row("a")[:5], 1, "key:sig", "text:x")], [()])
    (known,) = database.rows([path("a")])
    assert known[6:] == (1, "key:sig", "text:x")


def test_numbers_are_never_given_twice(database: Database) -> None:
    database.register([row("a")], [()])
    database.invalidate([path("a")])
    database.register([row("b")], [()])
    assert database.rows([path("b")])[0][0] == 2


def test_thousands_are_asked_for_at_once(database: Database) -> None:
    names = [f"p{number}" for number in range(40_000)]
    database.register([row(name) for name in names], [()] * len(names))
    assert len(database.valid_among([path(name) for name in names])) == len(names)
    database.invalidate([path(name) for name in names])
    assert database.all_paths() == set()


def test_a_busy_database_is_waited_for(database: Database, layout: Layout) -> None:
    other = sqlite3.connect(layout.database_file, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    waited = threading.Event()

    def on_busy(_: float) -> None:
        if not waited.is_set():
            waited.set()
            other.execute("commit")

    patient = Database(layout.database_file, on_busy=on_busy)
    patient.register([row("a")], [()])
    assert waited.is_set()
    assert database.all_paths() == {path("a")}
    patient.close()
    other.close()


def test_an_error_inside_a_transaction_undoes_it(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute("insert into ValidPaths (path, hash, registrationTime) values ('/x', 'h', 1)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert database.all_paths() == set()
    database.register([row("a")], [()])


@pytest.mark.parametrize("damage", ["header", "middle"])
def test_a_damaged_file_is_said_to_be_so(layout: Layout, damage: str) -> None:
    with open_local_store(layout) as store:
        for number in range(200):
            store.database.register([row(f"p{number}")], [()])
    with open(layout.database_file, "r+b") as file:
        file.seek(0 if damage == "header" else 4096)
        file.write(b"\xa5" * (100 if damage == "header" else 30_000))

    def use() -> None:
        with open_local_store(layout) as store:
            if store.database.sqlite_problem() is not None:
                raise DatabaseCorrupt(layout.database_file, "found by the check")
            store.all_valid_paths()

    with pytest.raises(DatabaseCorrupt):
        use()


def test_a_missing_database_is_never_made_anew(layout: Layout) -> None:
    open_local_store(layout).close()
    os.unlink(layout.database_file)
    with pytest.raises(DatabaseCorrupt, match="it is gone"):
        open_local_store(layout)


def test_odd_characters_in_the_name_of_the_file_are_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "a b%20?c#d.sqlite"
    file.write_bytes(b"")
    opened = Database(str(file))
    opened.initialise("create table ValidPaths (path text);")
    opened.close()
    assert file.stat().st_size > 0
    assert [entry for entry in os.listdir(tmp_path) if not entry.startswith("a b%20?c#d.sqlite")] == []


def test_who_writes_the_database_is_told_when_that_takes_long(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that holds the write lock, for as long as nobody is told of it."""
    monkeypatch.setattr("larix.store.waiting._DATABASE_SECONDS", 0.0)
    program = (
        "import sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('begin immediate')\n"
        "database.execute('create table t (x)')\n"
        "print('begun', flush=True)\n"
        "sys.stdin.read(1)\n"
        "database.execute('rollback')\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, store.layout.database_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "begun\n"
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        assert writer.stdin is not None
        writer.stdin.write("x")
        writer.stdin.flush()

    with open_local_store(store.layout, on_busy=tell_of_database(store.layout, say)) as other:
        assert other.is_valid(other.add_text("text", b"text"))
    writer.communicate()
    assert len(said) == 1
    assert said[0].startswith(f"waiting for process {writer.pid} of ")
