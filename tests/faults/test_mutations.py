"""Damaged input of every kind that larix reads: refused by errors of its format, or understood.

What is understood comes out the same when it is written again, where there is one way to write it.
`LARIX_TEST_ROUNDS=10000` tries so many of each. Requests to a daemon: `tests/protocol/test_ops.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.mutating import DECODERS, journals, registrations

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "300"))
LENIENT = (journals, registrations)  # what is damaged in them is passed over
SOURCES = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize("name", DECODERS)
def test_damaged_input_is_refused_by_errors_of_its_format(
    name: str, capsys: pytest.CaptureFixture[str], record_property: Callable[..., None]
) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("mutating.py")), name, str(ROUNDS)],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    found = json.loads(done.stdout)
    assert found["accepted"] < ROUNDS or DECODERS[name] in LENIENT
    assert found["kilobytes"] < 64 * 1024
    text = (
        f"{name}: {ROUNDS}/{ROUNDS} damaged inputs, {found['accepted']} of them understood;"
        f" {found['kilobytes'] / 1024:.1f} MiB more at most"
    )
    record_property("mutations", text)
    with capsys.disabled():
        print(f"\n{text}")
