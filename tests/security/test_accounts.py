"""V35: the machine is set up by root again and again, below folders that belong to who runs the daemon."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from daemon.test_site import done, larix, needs_tools

pytestmark = [pytest.mark.slow, needs_tools]

HOSTILE = "larix-daemon"


def identity(machine: Path) -> tuple[int, int]:
    fields = next(
        line.split(":") for line in (machine / "etc/passwd").read_text().splitlines() if HOSTILE in line
    )
    return int(fields[2]), int(fields[3])


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    return root


def test_accounts_have_neither_homes_nor_shells(machine: Path) -> None:
    done("daemon", "install", "--root", machine, "--build-users=2")
    lines = (machine / "etc/passwd").read_text().splitlines()[1:]
    assert {tuple(line.split(":")[5:]) for line in lines} == {("/var/empty", "/usr/sbin/nologin")}
    assert not (machine / "var/empty").exists()
    assert not (machine / "home").exists()


@pytest.mark.parametrize("planted", ["profiles/per-user", "profiles", "gcroots/per-user", "gcroots", "log"])
def test_links_of_the_daemons_user_lead_root_nowhere(machine: Path, tmp_path: Path, planted: str) -> None:
    """It owns the state, and puts a link to anything where root is about to make or to mend something."""
    arguments = ("daemon", "install", "--root", machine, "--unprivileged")
    done(*arguments)
    state = machine / "larix/var"
    canary = tmp_path / "canary"
    (canary / "per-user").mkdir(parents=True)
    for folder in (canary, canary / "per-user"):
        folder.chmod(0o1777)
    before = _picture(canary)
    (state / planted).rename(tmp_path / "taken")
    (state / planted).symlink_to(canary)
    os.chown(state / planted, *identity(machine), follow_symlinks=False)
    again = larix(*arguments)
    assert "Traceback" not in again.stderr
    assert _picture(canary) == before


def _picture(folder: Path) -> list[tuple[str, int, int]]:
    files = sorted((folder, *folder.rglob("*")))
    return [(str(file), stat.S_IMODE(file.lstat().st_mode), file.lstat().st_uid) for file in files]
