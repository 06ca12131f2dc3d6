"""The manual: it is built without a warning, lacks no page, and its commands print what is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from larix.cli import registry
from sessions import CHECKOUT, document_of, place_of

DOCUMENTS = CHECKOUT / "docs"
FOLLOWED = ("getting-started", "profiles", "deployment")


@pytest.mark.build
@pytest.mark.slow
@pytest.mark.parametrize("name", FOLLOWED)
def test_commands_of_the_manual_hold_word_for_word(clone: Path, name: str) -> None:
    document = document_of((DOCUMENTS / f"{name}.md").read_text(encoding="utf-8"))
    place_of(clone, clone.parent / name).follow(document)


def test_every_page_is_in_the_table_of_contents() -> None:
    text = (DOCUMENTS / "index.md").read_text(encoding="utf-8")
    listed = {
        line
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line and not line.startswith(":")
    }
    pages = {file.stem for file in DOCUMENTS.glob("*.md")} - {"index"}
    assert listed - {"commands"} == pages


@pytest.mark.slow
def test_the_manual_is_built_without_a_warning_and_can_be_searched(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools/manual.py", tmp_path / "manual"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    index = (tmp_path / "manual/searchindex.js").read_text(encoding="utf-8")
    assert "getting-started" in index
    commands = (tmp_path / "manual/commands.html").read_text(encoding="utf-8")
    for name, synopsis in registry.synopses():
        assert f"larix {name}" in commands
        assert synopsis.split("'")[0] in commands
