"""Who is not served is told why, in the words of the protocol, and costs next to nothing."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from daemon.test_robustness import children, open_files
from daemon.test_session import as_stranger
from daemons import Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.transport import connect
from larix.daemon.access import Peer, is_allowed
from larix.daemon.settings import Settings
from larix.formats.wire import encode_u64
from larix.protocol.eventtext import RemoteError

pytestmark = pytest.mark.slow

MAGIC = encode_u64(0x6E697863)
FULL = "max-sessions = 1\n"


@pytest.fixture
def full() -> Iterator[Daemon]:
    """A daemon whose one place is taken."""
    with running_daemon(settings=FULL) as daemon, daemon.store():
        yield daemon


def port_of(daemon: Daemon) -> int:
    return int(daemon.log().rpartition("127.0.0.1', ")[2].split(")")[0])


@pytest.mark.parametrize("version", [0x10A, 0x115, 0x119, 0x11A, 0x122, 0x126])
def test_the_reason_is_told_in_every_version(full: Daemon, version: int) -> None:
    for _ in range(2):
        with pytest.raises(RemoteError, match=r"has 1 session already(.|\n)*try again"):
            full.connection(version=version)


def test_real_nix_shows_the_reason(full: Daemon) -> None:
    if shutil.which("nix-store") is None:
        pytest.skip("no Nix on this machine")
    done = subprocess.run(
        ["nix-store", "--query", "--hash", f"{full.layout.store_dir}/{'0' * 32}-nothing"],
        env=full.environment()
        | {
            "NIX_REMOTE": f"unix://{full.socket}",
            "NIX_STORE_DIR": full.layout.store_dir,
            "NIX_STATE_DIR": full.layout.state_dir,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "has 1 session already" in done.stderr, done.stderr


def test_a_client_of_guix_is_told(full: Daemon) -> None:
    """Its greeting goes by the version of the daemon, and a failure is a text and a number."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(full.guix_socket)
        connection.sendall(MAGIC)
        with connection.makefile("rb") as stream:
            assert stream.read(8) == encode_u64(0x6478696F)
            minor = stream.read(8)[0]
            connection.sendall(encode_u64(0x163) + (bytes(16) if minor >= 14 else bytes(8)))
            assert stream.read(8) == encode_u64(0x63787470)
            size = int.from_bytes(stream.read(8), "little")
            text = stream.read(-(-size // 8) * 8)
            assert b"has 1 session already" in text
            assert stream.read() == encode_u64(1)


def test_a_flood_of_refused_clients_costs_neither_processes_nor_descriptors(full: Daemon) -> None:
    sessions, before = children(full), open_files(full)
    few = before + 100
    resource.prlimit(full.process.pid, resource.RLIMIT_NOFILE, (few, few))
    with ExitStack() as silent:
        for number in range(300):
            connection = silent.enter_context(socket.socket(socket.AF_UNIX))
            connection.connect(full.socket)
            connection.setblocking(False)
            if number % 2:
                with suppress(OSError):  # let go by now
                    connection.send(bytes(1 << 16))
        assert open_files(full) < before + 70, "64 of them, and what looking at a new one takes"
        assert children(full) == sessions
        with pytest.raises(RemoteError, match="has 1 session already"):
            full.connection()
    while open_files(full) > before:
        assert full.process.poll() is None


def test_strangers_are_told_that_they_may_not(stranger: int) -> None:
    with running_daemon(settings='allowed-users = ["root"]\n') as daemon:
        done = as_stranger(daemon, stranger, "")
        assert "may not use this daemon" in done.stderr
        assert "allowed-users" in done.stderr


def test_the_network_is_no_way_around_allowed_users() -> None:
    """Whoever is refused at the socket would come by TCP, as nobody in particular."""
    for allowed, is_served in (('["root"]', False), ('["127.0.0.1"]', False), ('["*"]', True)):
        with running_daemon("--listen=127.0.0.1:0", settings=f"allowed-users = {allowed}\n") as daemon:
            address = f"larix://127.0.0.1:{port_of(daemon)}"
            if is_served:
                Connection(connect(address), daemon.layout.store_dir).close()
                continue
            with pytest.raises(RemoteError, match=r"`allowed-users`(.|\n)*nobody is known"):
                Connection(connect(address), daemon.layout.store_dir)


def test_nobody_of_the_network_is_among_named_users() -> None:
    nobody = Peer("127.0.0.1")
    assert is_allowed(nobody, Settings())
    assert not is_allowed(nobody, Settings(allowed_users=("root", "@root", "127.0.0.1")))
    assert is_allowed(Peer("root", 0, 0, os.getpid(), is_trusted=True), Settings(allowed_users=()))
