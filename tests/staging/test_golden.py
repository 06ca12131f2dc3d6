"""Staged text enters the name of everything built with it: a change of it must be meant.

`LARIX_ACCEPT=1` rewrites the pinned texts.
"""

import glob
import os
import subprocess
import sys
from pathlib import Path

import pytest

from larix.staging import Lowering, build_expression_to_derivation, stage

DATA = Path(__file__).parent.parent / "data" / "staging"
CASES = ("clash", "plain")
ACCEPT = bool(os.environ.get("LARIX_ACCEPT"))

STAGE = """
import importlib, sys
from larix.staging import Lowering, stage
host = importlib.import_module(sys.argv[1])
sys.stdout.reconfigure(encoding="utf-8")
sys.stdout.write(stage(host.run, Lowering(system="x86_64-linux")).text)
"""


def staged_by(python, case, seed="0"):
    source = Path(sys.modules["larix"].__file__).parent.parent
    return subprocess.run(
        [python, "-B", "-c", STAGE, case],
        env={"PYTHONPATH": os.pathsep.join([str(source), str(DATA)]), "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    ).stdout.decode()


def other_pythons():
    patterns = [f"{directory}/python3.1[1-9]" for directory in os.environ.get("PATH", "").split(os.pathsep)]
    patterns.append(os.path.expanduser("~/.pyenv/versions/*/bin/python3.1[1-9]"))
    found = {}
    for file in [file for pattern in patterns for file in glob.glob(pattern)]:
        shown = subprocess.run(
            [file, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=False
        )
        if shown.returncode == 0:
            found.setdefault(shown.stdout.decode().strip(), file)
    found.pop(str(sys.version_info[:2]), None)
    return found


@pytest.mark.parametrize("case", CASES)
def test_staged_text_is_what_it_always_was(case):
    file = DATA / f"{case}.txt"
    text = staged_by(sys.executable, case)
    if ACCEPT:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_staged_text_is_the_same_on_every_python(case):
    pythons = other_pythons()
    if not pythons:
        pytest.skip("there is no other Python from 3.11 on")
    for python in pythons.values():
        assert staged_by(python, case) == (DATA / f"{case}.txt").read_text(encoding="utf-8"), python


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_staged_text_does_not_depend_on_the_order_of_hashing(case):
    assert {staged_by(sys.executable, case, seed) for seed in ("1", "2", "3")} == {
        (DATA / f"{case}.txt").read_text(encoding="utf-8")
    }


@pytest.mark.parametrize("case", CASES)
def test_staged_text_is_a_program_that_compiles(case):
    compile((DATA / f"{case}.txt").read_text(encoding="utf-8"), case, "exec")


def test_names_of_what_build_expressions_make_are_what_they_always_were(lowering):
    """Without build-side modules, whose text may change."""

    def write_hello(output: Path) -> None:
        output.write_text("hello")

    example = build_expression_to_derivation("example-1.0", write_hello, lowering=lowering)
    file = DATA / "example-1.0.drv"
    if ACCEPT:
        file.write_bytes(example.text)
    assert example.text == file.read_bytes()
    assert stage(write_hello, Lowering(system="x86_64-linux")).text == (
        '\ndef write_hello(output):\n    output.write_text("hello")\n'
    )
