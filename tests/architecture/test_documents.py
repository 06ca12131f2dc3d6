"""What the documents say about the tree is true: layers, folders, change notes."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS: dict[str, list[str]] = PROJECT["tool"]["larix"]["layers"]
LAYER_BLOCK = re.compile(r"(?<=<!-- layers -->\n).*?(?=<!-- end of layers -->)", re.DOTALL)


def layer_table() -> str:
    lines = ["| package | may import |", "|---|---|"]
    for name, below in LAYERS.items():
        lines.append(f"| `{name}` | {', '.join(f'`{layer}`' for layer in below) or 'nothing'} |")
    return "\n".join([*lines, ""])


def test_architecture_shows_the_layer_table_of_the_project_file() -> None:
    document = CHECKOUT / "ARCHITECTURE.md"
    text = document.read_text(encoding="utf-8")
    expected = LAYER_BLOCK.sub(lambda _: layer_table(), text)
    if os.environ.get("LARIX_ACCEPT"):
        document.write_text(expected, encoding="utf-8")
    assert text == expected, "run again with LARIX_ACCEPT=1"


def test_map_of_folders_in_the_readme_is_complete() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([\w./-]+)/` \|", text, re.MULTILINE))
    assert named
    absent = sorted(name for name in named if not (CHECKOUT / name).is_dir())
    assert absent == []
    packages = {
        f"src/larix/{file.parent.name}" for file in (CHECKOUT / "src" / "larix").glob("*/__init__.py")
    }
    assert packages - named == set()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "bench/README.md"])
def test_files_that_documents_name_exist(document: str) -> None:
    """Names in backquotes that have a slash and an ending we use; NAME in capitals stands for any name."""
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    names = {
        name
        for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|md|toml|nix|sh))`", text)
        if "NAME" not in name
    }
    missing = {
        name for name in names if not any((CHECKOUT / top / name).exists() for top in ("", "src/larix"))
    }
    assert missing - {"protocol/ops.py"} == set()


def test_change_notes_have_a_known_kind() -> None:
    names = {file.name for file in (CHECKOUT / "changes").iterdir()} - {"README.md"}
    assert names
    assert {
        name for name in names if not re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", name)
    } == set()
