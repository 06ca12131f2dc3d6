"""A store that cannot be opened: each client is told why, and the log tells the operator."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.transport import connect
from larix.protocol.eventtext import RemoteError

pytestmark = pytest.mark.slow


def other_schema(daemon: Daemon) -> None:
    Path(daemon.layout.schema_file).write_text("4711")


def damaged(daemon: Daemon) -> None:
    for name in os.listdir(os.path.dirname(daemon.layout.database_file)):
        if name.startswith("db.sqlite"):
            Path(os.path.dirname(daemon.layout.database_file), name).write_bytes(b"no database" * 1000)


def in_the_way(daemon: Daemon) -> None:
    shutil.rmtree(daemon.layout.store_dir)
    Path(daemon.layout.store_dir).write_text("a file")


@pytest.mark.parametrize(
    ("harm", "told"),
    [(other_schema, "has format `4711`"), (damaged, "database"), (in_the_way, "is not a directory")],
)
def test_clients_and_operator_are_told(harm: Callable[[Daemon], None], told: str) -> None:
    with running_daemon() as daemon:
        daemon.store().close()
        harm(daemon)
        for version in (0x126, 0x122, 0x115, 0x10A):
            with pytest.raises(RemoteError, match=told):
                daemon.connection(version=version)
        with pytest.raises(RemoteError, match=told):
            Connection(connect(daemon.guix_socket), daemon.layout.store_dir)
        if shutil.which("nix-store") is not None:
            done = subprocess.run(
                ["nix-store", "--query", "--hash", f"{daemon.layout.store_dir}/{'0' * 32}-nothing"],
                env=daemon.environment()
                | {
                    "NIX_REMOTE": f"unix://{daemon.socket}",
                    "NIX_STORE_DIR": daemon.layout.store_dir,
                    "NIX_STATE_DIR": daemon.layout.state_dir,
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert told in done.stderr
        lines = [line for line in daemon.log().splitlines() if told in line]
        assert lines
        assert all(line[:2] == "20" and "cannot be served" in line for line in lines), lines
        assert "Traceback" not in daemon.log()


def test_a_user_without_folders_is_served() -> None:
    """As on a disk too full to make any: who comes may want to collect garbage."""
    with running_daemon() as daemon:
        daemon.store().close()
        shutil.rmtree(f"{daemon.layout.profiles_dir}/per-user")
        with daemon.store() as store:
            assert store.all_valid_paths() == set()
        assert "cannot make the folders of" in daemon.log()
