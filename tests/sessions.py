"""Documents that show commands: they are run as they stand, in a clean clone, and print what is shown.

Three dots in a line that is shown stand for anything; lines may be left out; and the default store stands for
the one in use. A document may also show files to write, and changes to them:

    <!-- session: ... -->   a block of commands to run
    <!-- file: NAME -->     a block with the contents of the file
    <!-- change: NAME -->   a block of lines to take out (`-`), to put in (`+`), and around them (a space)

In a whole document, all blocks marked `console` are sessions.
"""

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
BLOCK = re.compile(r"(?:<!-- (file|change): (\S+) -->\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Step(NamedTuple):
    """A command, with the lines shown under it."""

    command: str
    shown: list[str]

    @property
    def fails(self) -> bool:
        return any(re.search(r"(^| )error: ", line) for line in self.shown)


class Contents(NamedTuple):
    """A file to be written."""

    name: str
    text: str


class Change(NamedTuple):
    """A change of a file: `old` stands there once, and becomes `new`."""

    name: str
    old: str
    new: str


def session_of(text: str) -> list[Step]:
    """The commands of the first block marked as session."""
    block = SESSION.search(text)
    return steps_of(block[1]) if block else []


def steps_of(block: str) -> list[Step]:
    """Commands follow a dollar sign."""
    steps: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:], []))
        else:
            steps[-1].shown.append(line)
    return steps


def document_of(text: str) -> list[Step | Contents | Change]:
    """All that a document has its reader do, in order."""
    found: list[Step | Contents | Change] = []
    for kind, name, language, body in BLOCK.findall(text):
        if kind == "file":
            found.append(Contents(name, body))
        elif kind == "change":
            lines = body.splitlines(keepends=True)
            old = "".join(line[1:] or "\n" for line in lines if line[:1] != "+")
            new = "".join(line[1:] or "\n" for line in lines if line[:1] != "-")
            found.append(Change(name, old, new))
        elif language == "console":
            found += steps_of(body)
    return found


def pattern_of(shown: str, store_dir: str) -> re.Pattern[str]:
    pieces = shown.replace("/larix/store", store_dir).split("...")
    return re.compile(r"\s*".join([".*".join(map(re.escape, pieces)), ""]))


def is_shown(shown: str, output: str, store_dir: str) -> bool:
    pattern = pattern_of(shown, store_dir)
    return any(pattern.fullmatch(line) for line in output.splitlines())


def missing_line(shown: list[str], output: str, store_dir: str) -> str | None:
    """The first line that is shown and does not come, after those before it; None when all come in order."""
    lines = iter(output.splitlines())
    for each in shown:
        pattern = pattern_of(each, store_dir)
        if not any(pattern.fullmatch(line) for line in lines):
            return each
    return None


class Place:
    """Where a reader follows a document: a folder, a store of their own, and a shell that remembers."""

    def __init__(self, folder: Path, environment: dict[str, str], store_dir: str) -> None:
        self.folder = folder
        self.environment = environment
        self.store_dir = store_dir

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command line; what it exports is there for the next one."""
        with tempfile.TemporaryDirectory() as scratch:
            kept = Path(scratch) / "environment"
            done = subprocess.run(
                ["/bin/sh", "-c", f'{command}\nstatus=$?\nenv -0 > "{kept}"\nexit $status'],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            entries = kept.read_text().split("\0") if kept.exists() else []
        self.environment = dict(entry.split("=", 1) for entry in entries if "=" in entry) or self.environment
        return done

    def follow(self, document: list[Step | Contents | Change]) -> None:
        """Do all that a document says; an assertion fails where it does not hold."""
        for each in document:
            if isinstance(each, Step):
                done = self.run(each.command)
                assert (done.returncode != 0) == each.fails, f"{each.command}\n{done.stdout}"
                line = missing_line(each.shown, done.stdout, self.store_dir)
                assert line is None, f"{each.command}\nlacks: {line}\n{done.stdout}"
            elif isinstance(each, Contents):
                (self.folder / each.name).write_text(each.text, encoding="utf-8")
            else:
                file = self.folder / each.name
                text = file.read_text(encoding="utf-8")
                assert text.count(each.old) == 1, f"{each.name} has not once:\n{each.old}"
                file.write_text(text.replace(each.old, each.new), encoding="utf-8")


def cloned() -> Iterator[Path]:
    """A clone under a short name: the store directory is part of interpreter lines, which have a limit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = Path(tempfile.mkdtemp(prefix="lx"))
    folder.chmod(0o755)  # build users pass through
    target = folder / "larix"
    made = subprocess.run(
        ["git", "clone", "-q", CHECKOUT, target], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot clone this checkout: {made.stderr}")
    yield target
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


def place_of(clone: Path, folder: Path) -> Place:
    """A place whose store lies beside the clone, and whose `larix` is the clone's."""
    beside = clone.parent
    environment = dict(os.environ) | {"HOME": str(beside), "XDG_DATA_HOME": str(beside / "data")}
    environment |= {"XDG_CACHE_HOME": str(beside / "cache"), "PATH": f"{clone}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    environment.pop("LARIX_PACKAGE_PATH", None)
    store_dir = "/larix/store"
    if os.geteuid() == 0:
        store_dir = str(beside / "store")
        environment |= {
            "LARIX_STORE_DIR": store_dir,
            "LARIX_STATE_DIRECTORY": str(beside / "var"),
            "LARIX_LOG_DIRECTORY": str(beside / "log"),
        }
    folder.mkdir(exist_ok=True)
    return Place(folder, environment, store_dir)
