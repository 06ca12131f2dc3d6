"""Who waits for somebody else's build is told whose it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.conftest import shell_build
from daemons import SOURCES, Daemon
from larix.formats.storepath import StorePath
from larix.protocol import BuildOptions, BuildTarget, BuildWaiting, Event
from larix.protocol.eventtext import event_from_json, event_in_json

pytestmark = pytest.mark.slow

BUILD = """
import sys
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildOptions, BuildStarted, BuildTarget
socket, store_dir, drv = sys.argv[1:]
def tell(event):
    if isinstance(event, BuildStarted):
        print("started", flush=True)
with DaemonStore(Connection(connect(socket), StoreDir(store_dir))) as store:
    store.realise([BuildTarget(StorePath(drv))], BuildOptions(), tell)
"""


class Enough(Exception):
    """The event that was waited for has come."""


def building(daemon: Daemon, drv: StorePath, uid: int) -> subprocess.Popen[str]:
    """Another user's build of `drv`, once it has started."""
    process = subprocess.Popen(
        [
            *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"),
            *(sys.executable, "-c", BUILD, daemon.socket, daemon.layout.store_dir, drv),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCES},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def test_the_client_behind_a_build_is_told(daemon: Daemon, stranger: int) -> None:
    found: list[BuildWaiting] = []

    def watch(event: Event) -> None:
        if isinstance(event, BuildWaiting):
            found.append(event)
            raise Enough

    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "endless", "kill -STOP $$")
        store.instantiate([lowered])
        other = building(daemon, lowered.path, stranger)
        try:
            with pytest.raises(Enough):
                store.realise([BuildTarget(lowered.path)], BuildOptions(), watch)
        finally:
            other.kill()
            other.communicate()
    (event,) = found
    assert event.drv == lowered.path
    assert event.path == lowered.output_path()
    assert event.user == str(stranger), "not root, whose process it is"
    assert event.holder is not None
    assert event.since is not None


@pytest.mark.parametrize("on_terminal", [False, True])
def test_a_command_says_who_is_at_it(
    daemon: Daemon, stranger: int, tmp_path: Path, on_terminal: bool
) -> None:
    """In plain lines and above the live view: `larix build` of a derivation that another user builds."""
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "endless", "kill -STOP $$")
        store.instantiate([lowered])
    other = building(daemon, lowered.path, stranger)
    command = [sys.executable, "-m", "larix.cli.main", "build", lowered.path]
    if on_terminal:
        command = ["script", "-qec", " ".join(command), "/dev/null"]
    process = subprocess.Popen(
        command,
        env=daemon.environment()
        | {"LARIX_DAEMON_SOCKET": daemon.socket, "HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "300"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        while "since" not in said:
            piece = process.stdout.readline() if not on_terminal else process.stdout.read(1)
            assert piece, said
            said += piece
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
        assert re.search(rf"being built by process \d+ of\s+{stranger}, since", plain.replace("\r\n", " ")), (
            said
        )
    finally:
        process.kill()
        process.communicate()
        other.kill()
        other.communicate()


def test_events_of_other_versions_are_understood() -> None:
    drv = StorePath(f"/larix/store/{'0' * 32}-x.drv")
    event = BuildWaiting(drv, drv, 7, "ada", 1e9)
    assert event_from_json(event_in_json(event)) == event
    older = b'{"event": "BuildWaiting", "drv": "%s", "path": "%s", "holder": 7}' % (
        drv.encode(),
        drv.encode(),
    )
    assert event_from_json(older) == BuildWaiting(drv, drv, 7)
    newer = event_in_json(event)[:-1] + b', "mood": "good"}'
    assert event_from_json(newer) == event
