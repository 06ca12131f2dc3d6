from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def larix(tmp_path):
    """Run larix as its own process, with a store of its own and none of the caller's settings."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT / 'distro'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LARIX_STORE_DIR": str(tmp_path / "store"),
        "LARIX_STATE_DIRECTORY": str(tmp_path / "var"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LANG": "C.UTF-8",
    }
    (tmp_path / "home").mkdir()

    def run(*words, stdin=None, **variables):
        return subprocess.run(
            [sys.executable, "-m", "larix.cli.main", *words],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment | variables,
            input=stdin,
            text=True,
        )

    run.environment = environment
    run.cwd = tmp_path
    return run
