"""V4, V7: the folder of a failed build, which its client wants to see (`--keep-failed`)."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from security.den import Den, Told

pytestmark = pytest.mark.slow


def kept(told: Told, den: Den) -> Path | None:
    """The folder that was kept, if any; it is removed with the test."""
    found = re.search(r"keeping build directory `([^']*)'", told.hint)
    return Path(found[1]) if found else None


@pytest.mark.parametrize("plant", ["environment-variables", "."])
def test_a_link_left_by_the_builder_leads_nowhere(den: Den, plant: str) -> None:
    """V7: larix writes a file into the folder that it keeps, as root."""
    canary = den.canary("environment-variables")
    if plant == ".":
        text = f'cd /; rm -rf "$TMPDIR"; ln -s {canary.parent} "$TMPDIR"; exit 9'
    else:
        text = f"ln -s {canary} environment-variables; exit 9"
    told = den.build(den.script("trap", text, env={"payload": "evil"}), keep_failed=True)
    folder = kept(told, den)
    try:
        assert "exit code 9" in told.error
        assert canary.read_text() == "precious"
        assert sorted(os.listdir(canary.parent)) == [canary.name]
    finally:
        if folder is not None:
            shutil.rmtree(folder)
