"""`larix.client.connection`: what is at the other end, and what it says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from larix.client.connection import Connection, ConnectionLost
from larix.client.store import DaemonStore
from larix.client.transport import NoDaemon, connect
from larix.formats.storepath import StoreDir
from larix.formats.wire import encode_string, encode_u64
from larix.protocol.dialect import BATCH, GUIX_VERSION, SERVER_MAGIC
from larix.protocol.eventtext import RemoteError

STORE_DIR = StoreDir("/larix/store")
DONE = encode_u64(0x616C7473)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


@contextmanager
def serving(folder: Path, serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """A socket at which `serve` talks to the first that comes."""
    name = str(folder / "socket")
    with socket.create_server(name, family=socket.AF_UNIX) as listening:

        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield name
        finally:
            thread.join()


def word(connection: socket.socket) -> int:
    return int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "little")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nix-socket", "socket"])
def test_larix_speaks_with_larix_as_only_they_can(daemon: Daemon, name: str) -> None:
    connection = Connection(
        connect(f"{daemon.layout.state_dir}/daemon-socket/{name}"), daemon.layout.store_dir
    )
    assert connection.dialect.features == {BATCH}
    assert connection.daemon.startswith("larix ")
    with DaemonStore(connection) as store:
        assert store.is_valid(store.add_text("a", b"b"))


@pytest.mark.slow
def test_over_the_network_what_is_in_the_store_can_be_read() -> None:
    with running_daemon("--listen=127.0.0.1:0") as daemon:
        port = int(daemon.log().rpartition("127.0.0.1', ")[2].split(")")[0])
        connection = Connection(connect(f"larix://127.0.0.1:{port}"), daemon.layout.store_dir)
        assert connection.dialect.features == {BATCH}
        assert connection.is_trusted is False
        with DaemonStore(connection) as store:
            assert store.read_text(store.add_text("a", b"hello")) == b"hello"


@pytest.mark.parametrize("announced", [GUIX_VERSION, 0x163, 0x164])
def test_a_daemon_of_guix_is_spoken_to_as_guix_does(tmp_path: Path, announced: int) -> None:
    """As its C++ reads: 32 bits of a version, of which the lower 8 tell what follows."""

    def serve(connection: socket.socket) -> None:
        word(connection)
        connection.sendall(encode_u64(SERVER_MAGIC) + encode_u64(announced))
        version = word(connection)
        assert version < 1 << 32
        assert version & 0xFFFF == GUIX_VERSION
        assert (word(connection), word(connection)) == (0, 0)
        connection.sendall(DONE)
        assert word(connection) == 23
        connection.sendall(DONE + encode_u64(0))

    with serving(tmp_path, serve) as name, DaemonStore(Connection(connect(name), STORE_DIR)) as store:
        assert store.all_valid_paths() == set()


def test_a_daemon_is_named_as_its_kind_writes_versions(tmp_path: Path) -> None:
    def serve(connection: socket.socket) -> None:
        word(connection)
        connection.sendall(encode_u64(SERVER_MAGIC) + encode_u64(GUIX_VERSION) + DONE)
        connection.recv(100)

    with serving(tmp_path, serve) as name, Connection(connect(name), STORE_DIR) as connection:  # noqa: SIM117
        with pytest.raises(RemoteError, match=r"\(Guix 0x163\) has no operation `query_missing`"):
            connection.call("query_missing", targets=())


@pytest.mark.parametrize(
    "address", ["larix://localhost:99999", "larix://[::1", "ssh://host:x", "/a%00b", "larix://host:-1"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(NoDaemon, match="no address of a daemon") as raised:
        connect(address)
    assert "larix://HOST[:PORT]" in str(raised.value.hint)


def test_a_name_that_no_host_can_have_is_told() -> None:
    with pytest.raises(NoDaemon, match="cannot reach a daemon at"):
        connect(f"larix://{'a' * 70}.example")


def test_who_is_let_go_at_once_is_told_so_in_one_line(tmp_path: Path) -> None:
    """Before the first word was sent."""
    name = str(tmp_path / "socket")
    with socket.create_server(name, family=socket.AF_UNIX) as listening:
        transport = connect(name)
        listening.accept()[0].close()
        with pytest.raises(ConnectionLost, match="as one of its kind: the daemon closed the connection"):
            Connection(transport, STORE_DIR)


def test_colours_of_a_daemon_are_left_out(tmp_path: Path) -> None:
    lines: list[str] = []

    def serve(connection: socket.socket) -> None:
        word(connection)
        connection.sendall(encode_u64(SERVER_MAGIC) + encode_u64(0x119))
        connection.recv(100)
        connection.sendall(encode_u64(0x6F6C6D67) + encode_string(b"\x1b[1mbold\x1b[0m line\n"))
        connection.sendall(
            encode_u64(0x63787470) + encode_string(b"\x1b[31;1merror:\x1b[0m no") + encode_u64(1)
        )

    with serving(tmp_path, serve) as name, pytest.raises(RemoteError) as raised:
        Connection(connect(name), STORE_DIR, on_line=lines.append)
    assert lines == ["bold line"]
    assert str(raised.value) == "error: no"
