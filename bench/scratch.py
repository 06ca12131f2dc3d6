"""Scratch stores that real Nix and larix take turns in: one store directory, so that all names are equal.

A template is made once by Nix, with what a row needs in it; before each run it is copied back. Both programs
read the same database, which is part of what is measured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from measure import Failed, Side, clear

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(CHECKOUT, "bench")
PYTHON = os.path.join(CHECKOUT, ".venv", "bin", "python")
LARIX = os.path.join(CHECKOUT, "larix")
NIX_SETTINGS = "sandbox = true\nbuild-users-group =\nsubstituters =\n"


class Scratch:
    """A folder with one store, its state, and templates of both."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        os.chmod(folder, 0o755)
        self.store = os.path.join(folder, "store")
        self.var = os.path.join(folder, "var")
        self.configuration = os.path.join(folder, "conf")
        os.makedirs(self.configuration)
        with open(os.path.join(self.configuration, "nix.conf"), "w", encoding="ascii") as file:
            file.write(NIX_SETTINGS)
        common = {
            "PATH": os.environ["PATH"],
            "HOME": os.path.join(folder, "home"),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": folder,
        }
        os.makedirs(common["HOME"])
        self.nix_environment = common | {
            "NIX_STORE_DIR": self.store,
            "NIX_STATE_DIR": self.var,
            "NIX_LOG_DIR": os.path.join(self.var, "log"),
            "NIX_CONF_DIR": self.configuration,
            "NIX_REMOTE": "",
        }
        self.larix_environment = common | {
            "LARIX_STORE_DIR": self.store,
            "LARIX_STATE_DIRECTORY": self.var,
            "LARIX_LOG_DIRECTORY": os.path.join(self.var, "log"),
        }

    def file(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def nix_output(self, *command: str) -> list[str]:
        """Run a command of Nix's outside of any measurement; give back the lines it prints."""
        done = subprocess.run(command, env=self.nix_environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{' '.join(command)[:300]}: exit code {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout.splitlines()

    def start_empty(self) -> None:
        clear(self.store, self.var)
        subprocess.run(["nix-store", "--init"], env=self.nix_environment | {"NIX_REMOTE": ""}, check=True)

    def keep_as(self, template: str) -> None:
        """Keep the store as it is now under a name."""
        clear(self.file(template))
        os.mkdir(self.file(template))
        for folder in (self.store, self.var):
            subprocess.run(["cp", "-a", folder, self.file(template)], check=True)

    def restore(self, template: str) -> None:
        clear(self.store, self.var)
        for folder in ("store", "var"):
            subprocess.run(["cp", "-a", os.path.join(self.file(template), folder), self.folder], check=True)
        os.sync()

    def nix(self, *command: str, template: str | None = None) -> Side:
        return Side(command, self.nix_environment, self._preparation(template))

    def larix(self, *command: str, template: str | None = None) -> Side:
        return Side(command, self.larix_environment, self._preparation(template))

    def _preparation(self, template: str | None) -> Callable[[], None]:
        return (lambda: self.restore(template)) if template else (lambda: None)

    def add(self, file: str) -> str:
        return self.nix_output("nix-store", "--add", file)[0]

    @contextmanager
    def daemons(self) -> Iterator[None]:
        """A daemon of each side; what runs inside goes through them. The store's state may change."""
        sockets = {name: self.file(f"{name}-nix-socket") for name in ("nix", "larix")}
        nix = self.nix_environment | {"NIX_DAEMON_SOCKET_PATH": sockets["nix"], "NIX_REMOTE": "local"}
        started = [
            subprocess.Popen(["nix-daemon"], env=nix, stderr=subprocess.DEVNULL),
            subprocess.Popen(
                [LARIX, "daemon", "--quiet", f"--listen={sockets['larix']}"],
                env=self.larix_environment,
                stdout=subprocess.PIPE,
            ),
        ]
        ours = started[1].stdout
        if ours is None or ours.readline() != b"ready\n":
            raise Failed("the daemon of larix does not start")
        while not os.path.exists(sockets["nix"]):
            if started[0].poll() is not None:
                raise Failed("the daemon of Nix does not start")
        before = self.nix_environment, self.larix_environment
        self.nix_environment = self.nix_environment | {"NIX_REMOTE": f"unix://{sockets['nix']}"}
        self.larix_environment = self.larix_environment | {"LARIX_DAEMON_SOCKET": sockets["larix"]}
        try:
            yield
        finally:
            self.nix_environment, self.larix_environment = before
            for process in started:
                process.kill()
                process.wait()

    def close(self) -> None:
        clear(self.folder)


def larix_script(name: str, *arguments: str) -> Sequence[str]:
    """A script of this folder, run as the launcher runs larix."""
    return [PYTHON, "-I", os.path.join(BENCH, name), *arguments]


def find_program(name: str, package: str) -> str:
    file = shutil.which(name)
    if file is None:
        sys.exit(f"bench: `{name}` is missing (Debian's package {package})")
    return file
