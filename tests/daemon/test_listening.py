"""Where a daemon listens: at what it was told, and never in place of something that is there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from daemons import SOURCES, running_daemon
from larix.cli.commands.daemon import _host_and_port
from larix.client.connection import Connection
from larix.client.transport import connect
from larix.protocol.dialect import GUIX_VERSION, NIX_VERSION

pytestmark = pytest.mark.slow


def starting(folder: Path, *arguments: str, **environment: str) -> str:
    """What a daemon says that does not start."""
    process = subprocess.Popen(
        [sys.executable, "-m", "larix.cli.main", "daemon", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": SOURCES,
            "LARIX_STORE_DIR": f"{folder}/store",
            "LARIX_STATE_DIRECTORY": f"{folder}/var",
            "LARIX_CONFIGURATION_DIRECTORY": f"{folder}/etc",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.terminate()
    said = process.communicate()[1]
    assert (line, process.returncode) == ("", 1), said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("endpoint", ["", ":44146", "[]:44146", "[]"])
def test_an_endpoint_without_a_host_is_not_all_the_world(tmp_path: Path, endpoint: str) -> None:
    """A variable of a shell that is not set would open the store to the network."""
    assert "names no host" in starting(tmp_path, f"--listen={endpoint}")


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_stays(tmp_path: Path, kind: str) -> None:
    place, other = tmp_path / "place", tmp_path / "other"
    other.write_text("precious")
    if kind == "file":
        place.write_text("precious")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(other)
    before = place.lstat()
    assert "is there already, and is no socket" in starting(tmp_path, f"--listen={place}")
    assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert other.read_text() == "precious"


def test_a_socket_where_somebody_answers_is_left_to_them(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen(1)
        assert "another program listens" in starting(tmp_path, f"--listen={place}")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(place))
    assert place.is_socket(), "of one that is gone"
    with running_daemon(f"--listen={place}") as daemon:
        Connection(connect(str(place)), daemon.layout.store_dir).close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", 44146)),
        ("host:1", ("host", 1)),
        ("[::1]:44999", ("::1", 44999)),
        ("[::1]", ("::1", 44146)),
        ("::1", ("::1", 44146)),
        ("fe80::2", ("fe80::2", 44146)),
    ],
)
def test_endpoints_are_read(text: str, expected: tuple[str, int]) -> None:
    assert _host_and_port(text) == expected


def test_addresses_of_the_newer_kind_are_listened_on() -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    with running_daemon("--listen=[::1]:0") as daemon:
        port = re.findall(r"listening on \('::1', (\d+)", daemon.log())[0]
        Connection(connect(f"larix://[::1]:{port}"), daemon.layout.store_dir).close()
        with socket.socket() as older, pytest.raises(OSError, match="refused"):
            older.connect(("127.0.0.1", int(port)))


def test_clients_of_nix_are_met_where_they_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nix's own variable tells its clients a socket; the version is theirs, whatever it is called."""
    place = f"{tmp_path}/here"
    monkeypatch.setattr("daemons.Daemon.environment", _with(NIX_DAEMON_SOCKET_PATH=place))
    with running_daemon() as daemon:
        assert _announced(place) == NIX_VERSION
        assert _announced(daemon.guix_socket) == GUIX_VERSION
        daemon.store().close()
    with running_daemon(f"--listen={tmp_path}/elsewhere"):
        assert not os.path.exists(place), "what is named goes before it"


def _with(**more: str) -> object:
    from daemons import Daemon

    own = Daemon.environment
    return lambda daemon: own(daemon) | more


def _announced(file: str) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(file)
        connection.sendall((0x6E697863).to_bytes(8, "little"))
        return int.from_bytes(connection.recv(16, socket.MSG_WAITALL)[8:], "little")
