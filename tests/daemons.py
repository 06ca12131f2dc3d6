"""A real daemon in a process of its own, on directories of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.formats.storepath import StoreDir
from larix.protocol.dialect import NIX_VERSION
from larix.store import Layout
from larix.store.atomic import remove_tree

SOURCES = str(Path(__file__).parents[1] / "src")
PYTHON_FOR_ALL = "/usr/bin/python3"  # the one that runs the tests may stand where other users cannot go


class Daemon(NamedTuple):
    """Every user can reach `folder`; `socket` is for clients of Nix, `guix_socket` for those of Guix."""

    process: subprocess.Popen[str]
    layout: Layout
    folder: Path

    @property
    def socket(self) -> str:
        return f"{self.layout.state_dir}/daemon-socket/nix-socket"

    @property
    def guix_socket(self) -> str:
        return f"{self.layout.state_dir}/daemon-socket/socket"

    def connection(self, version: int = NIX_VERSION) -> Connection:
        return Connection(connect(self.socket), self.layout.store_dir, version=version)

    def store(self, version: int = NIX_VERSION) -> DaemonStore:
        return DaemonStore(self.connection(version))

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIX_", "LARIX_"))}
        return kept | {
            "LARIX_STORE_DIR": self.layout.store_dir,
            "LARIX_STATE_DIRECTORY": self.layout.state_dir,
            "LARIX_LOG_DIRECTORY": self.layout.log_dir,
            "LARIX_CONFIGURATION_DIRECTORY": str(self.folder / "etc"),
            "PYTHONPATH": SOURCES,
        }

    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(encoding="utf-8")


@contextmanager
def running_daemon(
    *arguments: str, settings: str = "", layout: Layout | None = None, user: int | None = None
) -> Iterator[Daemon]:
    """Start one and wait until it listens; end it, and what it left, at the end.

    With `user`, as that one, who owns the store.
    """
    folder = Path(tempfile.mkdtemp(prefix="larix-test-"))
    os.chmod(folder, 0o755)  # pytest's own folders are for their owner only
    layout = layout or Layout(StoreDir(f"{folder}/store"), f"{folder}/var", f"{folder}/log")
    (folder / "etc").mkdir()
    (folder / "etc/daemon.toml").write_text(settings, encoding="utf-8")
    python, rights = sys.executable, {}
    if user is not None:
        python, rights = PYTHON_FOR_ALL, {"user": user, "group": user, "extra_groups": []}
        os.chown(folder, user, user)
    unstarted = Daemon(None, layout, folder)  # type: ignore[arg-type]
    with (folder / "daemon.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [python, "-B", "-m", "larix.cli.main", "daemon", *arguments],
            env=unstarted.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            **rights,  # type: ignore[call-overload]
        )
    daemon = Daemon(process, layout, folder)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", daemon.log()
        yield daemon
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        remove_tree(str(folder))
