"""Commands of real Nix, as clients of the daemon of larix."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from daemons import Daemon

SHELL = "/bin/bash-static"

MARKS = [
    pytest.mark.compat,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nix-store") is None, reason="real Nix is not on this machine"),
    pytest.mark.skipif(not os.path.exists(SHELL), reason="no static shell (Debian: bash-static)"),
]

EXPRESSION = """
let
  build = name: script: derivation {
    inherit name; system = "x86_64-linux"; builder = "${/bin/bash-static}"; args = [ "-c" script ];
  };
in rec {
  below = build "below" "echo from below; echo below > $out";
  above = build "above" "echo ${below} > $out";
  bad = build "bad" "echo oops; exit 3";
}
"""


class Nix:
    """Commands of Nix, run by root or by somebody else."""

    def __init__(self, daemon: Daemon, uid: int | None, settings: str = "", name: str = "home") -> None:
        self.folder = daemon.folder / f"{name}-{uid}"
        self.folder.mkdir()
        (self.folder / "nix.conf").write_text(
            "substituters =\nexperimental-features = nix-command\nbuild-users-group =\n" + settings
        )
        (self.folder / "default.nix").write_text(EXPRESSION)
        self.uid = uid
        self.give(self.folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NIX_")}
        self.environment = kept | {
            "NIX_REMOTE": f"unix://{daemon.socket}",
            "NIX_STORE_DIR": daemon.layout.store_dir,
            "NIX_STATE_DIR": daemon.layout.state_dir,
            "NIX_LOG_DIR": daemon.layout.log_dir,
            "NIX_CONF_DIR": str(self.folder),
            "HOME": str(self.folder),
            "USER": "somebody",
        }

    def give(self, folder: Path) -> None:
        """Have a folder and all in it be the user's own."""
        if self.uid is not None:
            for file in (folder, *folder.rglob("*")):
                os.chown(file, self.uid, self.uid)

    def run(self, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        prefix = (
            []
            if self.uid is None
            else ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        )
        return subprocess.run(
            [*prefix, *words],
            env=self.environment,
            cwd=self.folder,
            input=data,
            capture_output=True,
            check=False,
        )

    def __call__(self, *words: str, data: bytes = b"") -> str:
        done = self.run(*words, data=data)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()
