"""The session shown in README.md runs, line by line, in a clean clone, and prints what is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).parents[1]
SESSION = re.compile(r"<!-- session:.*?-->\n```console\n(.*?)```", re.DOTALL)


class Step(NamedTuple):
    command: str
    shown: list[str]


def session_of(text: str) -> list[Step]:
    """The commands, which follow a dollar sign, each with the lines shown under it."""
    block = SESSION.search(text)
    steps: list[Step] = []
    for line in block[1].splitlines() if block else []:
        if line.startswith("$ "):
            steps.append(Step(line[2:], []))
        else:
            steps[-1].shown.append(line)
    return steps


STEPS = session_of((CHECKOUT / "README.md").read_text(encoding="utf-8"))


def pattern_of(shown: str, store_dir: str) -> re.Pattern[str]:
    """Three dots stand for anything, and the default store for the one in use."""
    pieces = shown.replace("/larix/store", store_dir).split("...")
    return re.compile(r"\s*".join([".*".join(map(re.escape, pieces)), ""]))


def is_shown(shown: str, output: str, store_dir: str) -> bool:
    pattern = pattern_of(shown, store_dir)
    return any(pattern.fullmatch(line) for line in output.splitlines())


def test_session_is_found_and_short() -> None:
    assert STEPS[0].command == "./larix run hello"
    assert len(STEPS) <= 10


def test_shown_line_matches_only_its_own_kind() -> None:
    assert is_shown("/larix/store/...-hello-2.10", "x\n/s/abc-hello-2.10\n", "/s")
    assert not is_shown("/larix/store/...-hello-2.10", "/larix/store/abc-hello-2.1\n", "/larix/store")
    assert not is_shown("Again", "Again and again\n", "/s")


@pytest.fixture
def clone() -> Iterator[Path]:
    """A clone under a short name: the store directory is part of interpreter lines, which have a limit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = Path(tempfile.mkdtemp(prefix="lx"))
    folder.chmod(0o755)  # build users pass through
    target = folder / "larix"
    cloned = subprocess.run(
        ["git", "clone", "-q", CHECKOUT, target], capture_output=True, text=True, check=False
    )
    if cloned.returncode:
        pytest.skip(f"cannot clone this checkout: {cloned.stderr}")
    yield target
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


@pytest.mark.build
@pytest.mark.slow
def test_session_prints_what_is_shown(clone: Path) -> None:
    folder = clone.parent
    environment = dict(os.environ) | {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}
    environment.pop("PYTHONPATH", None)
    store_dir = "/larix/store"
    if os.geteuid() == 0:
        store_dir = str(folder / "store")
        environment |= {
            "LARIX_STORE_DIR": store_dir,
            "LARIX_STATE_DIRECTORY": str(folder / "var"),
            "LARIX_LOG_DIRECTORY": str(folder / "log"),
        }
    for command, shown in STEPS:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=clone,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        for line in shown:
            assert is_shown(line, done.stdout + done.stderr, store_dir), f"{command}\n{line}\n{done.stdout}"
