"""A daemon that is told to end: who waits hears of it, and nothing of builds is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable

import pytest

from daemon.conftest import shell_build
from daemons import Daemon, running_daemon
from larix.client.connection import ConnectionLost
from larix.formats.storepath import StorePath
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event
from larix.protocol.eventtext import RemoteError
from larix.protocol.messages import Ask, Failure, read_message

pytestmark = pytest.mark.slow


def stopping(daemon: Daemon) -> Callable[[Event], None]:
    """A sink that has the daemon end as soon as the build is at work."""

    def hear(event: Event) -> None:
        if isinstance(event, BuildLog):
            daemon.process.send_signal(signal.SIGTERM)

    return hear


@pytest.mark.parametrize("version", [0x126, 0x122, 0x115])
def test_who_waits_for_a_build_is_told_and_its_folder_goes(version: int) -> None:
    with running_daemon() as daemon, daemon.store(version) as store:
        lowered = shell_build(store.store_dir, "endless", "echo started; kill -STOP $$")
        store.instantiate([lowered])
        with pytest.raises(RemoteError, match="the daemon is stopping"):
            store.realise([BuildTarget(lowered.path)], BuildOptions(), stopping(daemon))
        assert daemon.process.wait() == 0
        assert os.listdir(daemon.layout.builds_dir) == []
        assert os.listdir(daemon.layout.temp_roots_dir) == []
        assert "Traceback" not in daemon.log()


def test_real_nix_is_told() -> None:
    if shutil.which("nix-store") is None:
        pytest.skip("no Nix on this machine")
    with running_daemon() as daemon:
        with daemon.store() as store:
            lowered = shell_build(store.store_dir, "endless", "echo started; kill -STOP $$")
            store.instantiate([lowered])
        with subprocess.Popen(
            ["nix-store", "--realise", lowered.path],
            env=daemon.environment()
            | {
                "NIX_REMOTE": f"unix://{daemon.socket}",
                "NIX_STORE_DIR": daemon.layout.store_dir,
                "NIX_STATE_DIR": daemon.layout.state_dir,
            },
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if "started" in line:
                    daemon.process.send_signal(signal.SIGTERM)
        assert "the daemon is stopping" in said


def test_an_idle_client_costs_no_time() -> None:
    with running_daemon() as daemon, daemon.store() as store:
        assert store.all_valid_paths() == set()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait() == 0
        with pytest.raises(ConnectionLost):
            store.all_valid_paths()


def test_who_is_in_the_middle_of_sending_hears_it() -> None:
    """It has been asked for more of an archive; what it still sends is taken."""
    with running_daemon() as daemon, daemon.connection(version=0x115) as connection:
        connection._request(
            "add_to_store_nar",
            {
                "path": StorePath(f"{daemon.layout.store_dir}/{'1' * 32}-tool"),
                "deriver": None,
                "nar_hash": "0" * 64,
                "references": (),
                "registration_time": 0,
                "nar_size": 1000,
                "ultimate": False,
                "signatures": (),
                "content_address": "",
                "repair": False,
                "dont_check_signatures": True,
            },
        )
        connection.channel.flush()
        reader, dialect = connection.channel.reader, connection.dialect
        assert isinstance(read_message(reader, dialect), Ask)
        daemon.process.send_signal(signal.SIGTERM)
        failure = read_message(reader, dialect)
        assert isinstance(failure, Failure)
        assert b"the daemon is stopping" in failure.text
        connection.channel.send(bytes(64))
        connection.channel.flush()
        connection.close()
        assert daemon.process.wait() == 0
