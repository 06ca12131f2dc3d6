"""Git repositories for tests, made by the machine's git with settings that are no one's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["git"]

SETTINGS = ("user.name=x", "user.email=x@example.org", "init.defaultBranch=main")


def git(folder: Path, *words: str) -> str:
    """What a git command in `folder`, which must succeed, prints."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    settings = [word for each in SETTINGS for word in ("-c", each)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        ["git", *settings, "-C", folder, *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
