"""Sessions that end badly, by the hundred: the daemon, its descriptors and its other clients do not notice.

`LARIX_TEST_ROUNDS=300` has as many clients at a time, and cuts every request at each byte.
"""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from daemons import Daemon
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StorePath
from larix.formats.wire import encode_u64
from larix.protocol.dialect import Dialect
from larix.protocol.ops import FRAMES, OPERATIONS
from larix.protocol.values import BareDerivation

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "40"))
GREETING = encode_u64(0x6E697863) + encode_u64(0x122) + encode_u64(0) + encode_u64(0)


def children(daemon: Daemon) -> list[int]:
    process = daemon.process.pid
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def until_sessions_have_ended(daemon: Daemon) -> None:
    while children(daemon):
        assert daemon.process.poll() is None
        os.sched_yield()


def open_files(daemon: Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def assert_in_order(daemon: Daemon) -> None:
    """It serves, and of all who were there nothing is left."""
    with daemon.store() as store:
        assert store.is_valid(store.add_text("still", b"usable"))
    until_sessions_have_ended(daemon)
    assert os.listdir(f"{daemon.layout.state_dir}/temproots") == []
    assert not [name for name in os.listdir(daemon.layout.store_dir) if "incoming" in name]
    assert "Traceback" not in daemon.log()


def test_more_clients_than_descriptors(daemon: Daemon) -> None:
    daemon.store().close()
    until_sessions_have_ended(daemon)
    before = open_files(daemon)
    few = 256 if ROUNDS > 256 else before + 24
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (few, few))
    connections = [daemon.connection() for _ in range(ROUNDS)]
    for connection in connections:
        assert connection.call("query_all_valid_paths") == ()
    assert len(children(daemon)) == ROUNDS
    assert open_files(daemon) <= before + 1
    for connection in connections:
        connection.close()
    until_sessions_have_ended(daemon)
    assert open_files(daemon) == before
    assert_in_order(daemon)


def requests(daemon: Daemon) -> Iterator[bytes]:
    """One of each operation, well formed, with the beginning of its body."""
    dialect = Dialect(daemon.layout.store_dir, "nix", 0x22)
    path = StorePath(f"{daemon.layout.store_dir}/{'0' * 32}-nothing")
    values: dict[str, Any] = {
        "path": path,
        "path or nothing": path,
        "paths": (path,),
        "paths with content addresses": ((path, ""),),
        "text": "name",
        "texts": ("a",),
        "bytes": b"text",
        "number": 0,
        "boolean": False,
        "settings": (("a", "b"),),
        "targets": (),
        "derivation": BareDerivation((), (path,), "x86_64-linux", b"/x", (b"-c",), ((b"a", b"b"),)),
    }
    for op in OPERATIONS.values():
        form = op.form(dialect)
        if form is not None:
            arguments = {field.name: values[field.codec.name] for field in form.fields}
            body = encode_u64(64) + encode_tree(File(b"x"))[:64] if form.body == FRAMES else b""
            yield encode_u64(op.number) + form.write(arguments, dialect) + body


def test_every_request_cut_off_anywhere(daemon: Daemon) -> None:
    step = 1 if ROUNDS >= 300 else 41  # prime: other bytes of a number each time
    tried = 0
    for request in requests(daemon):
        for end in range(tried % step, len(request), step):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(daemon.socket)
                connection.sendall(GREETING + request[:end])
                tried += 1
    assert tried > 40
    until_sessions_have_ended(daemon)
    assert_in_order(daemon)


def test_who_dies_while_adding_leaves_neither_lock_nor_tree(daemon: Daemon) -> None:
    """Half of an archive of known name, whose lock the session holds; then another client adds it."""
    data = encode_tree(File(b"x" * 100_000))
    address = f"fixed:r:{hash_bytes(data)}"
    with daemon.store() as store:
        path = store._add("twice", "fixed:r:sha256", [data], ())
    with daemon.store() as store:
        assert store.collect(2)[0] == (path,)
    for _ in range(max(1, ROUNDS // 20)):
        connection = daemon.connection()
        form = connection._request(
            "add_to_store_nar",
            {
                "path": path,
                "deriver": None,
                "nar_hash": hash_bytes(data).base16(),
                "references": (),
                "registration_time": 0,
                "nar_size": len(data),
                "ultimate": False,
                "signatures": (),
                "content_address": address,
                "repair": False,
                "dont_check_signatures": True,
            },
        )
        assert form.body == FRAMES
        connection.channel.send(encode_u64(len(data) // 2) + data[: len(data) // 2])
        connection.channel.flush()
        connection.close()
    with daemon.store() as store:
        assert store._add("twice", "fixed:r:sha256", [data], ()) == path
        assert store.is_valid(path)
    assert_in_order(daemon)


def test_many_clients_add_the_same_and_others_leave_half_way(daemon: Daemon) -> None:
    data = encode_tree(File(b"y" * 50_000))
    found: list[StorePath] = []

    def add() -> None:
        with daemon.store() as store:
            found.append(store._add("same", "fixed:r:sha256", [data], ()))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(ROUNDS):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(daemon.socket)
            connection.sendall(GREETING[: 8 * (_ % 5)])
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert_in_order(daemon)
