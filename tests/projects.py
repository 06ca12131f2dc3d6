"""Small projects, and the phases of a build system run on them by the tools of this machine.

Nothing is isolated and there is no store: that the phases do the right things in the right order is what can
be seen so. Each run is a process of its own, since phases change the directory and the environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
DRIVER = """
import importlib, json, sys
from pathlib import Path
from larix.buildside.failure import show_failure
sys.excepthook = show_failure
given = json.load(sys.stdin)
for name in ("outputs", "inputs", "native_inputs"):
    given[name] = {label: Path(file) for label, file in given[name].items()}
given["source"] = Path(given["source"])
given["toolchain"] = [Path(file) for file in given["toolchain"]]
phases = importlib.import_module(f"larix.buildside.{given.pop('module')}").standard_phases
phases.run(**given)
"""


class Built:
    """What a build left: its main output, its log, and whether it went well."""

    def __init__(self, out: Path, process: subprocess.CompletedProcess[str]) -> None:
        self.out = out
        self.log = process.stdout
        self.succeeded = process.returncode == 0

    def phases(self) -> list[str]:
        return [line.split()[2] for line in self.log.splitlines() if line.startswith("@ phase-start ")]

    def commands(self) -> list[str]:
        return [line[2:] for line in self.log.splitlines() if line.startswith("+ ")]

    @property
    def error(self) -> str:
        return self.log.splitlines()[-1]


def build(module: str, source: Path, work: Path, **given: object) -> Built:
    """Run the standard phases of a build-side module; `work` is a directory that does not exist yet."""
    top = work / "build"
    top.mkdir(parents=True)
    out = work / "out"
    arguments: dict[str, object] = {
        "module": module,
        "name": "greet",
        "version": "1.0",
        "system": "x86_64-linux",
        "source": str(source),
        "outputs": {"out": str(out)},
        "inputs": {},
        "native_inputs": {},
        "toolchain": ["/usr", "/usr/local"],
        # The machine's own libraries stand in no RUNPATH.
        "validate_runpath": False,
        **given,
    }
    process = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(arguments, default=str),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=top,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "LARIX_BUILD_CORES": "2"},
        text=True,
        check=False,
    )
    return Built(out, process)


def write(top: Path, files: dict[str, str]) -> Path:
    """Make a tree of text files; those that start with `#!` are executable."""
    for name, text in files.items():
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755 if text.startswith("#!") else 0o644)
    return top


def run(program: Path | str, *arguments: str, **environment: str) -> str:
    """The output of a program that must succeed."""
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout
