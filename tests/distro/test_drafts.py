"""Definitions that have not been built: they can be read and lowered, and the catalogue lacks them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages.modules import packages_of_file
from larix.packages.toolchain import lowering_for

DISTRIBUTION = Path(__file__).parents[2] / "distro"
DRAFTS = sorted((DISTRIBUTION / "drafts").glob("*.py"))


@pytest.fixture(autouse=True)
def found_by_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DISTRIBUTION / "drafts"))


@pytest.mark.parametrize("file", DRAFTS, ids=lambda file: file.stem)
def test_a_draft_can_be_lowered_and_is_explained(file: Path) -> None:
    ((name, package),) = packages_of_file(str(file))
    assert package.name == file.stem.replace("_", "-"), name
    assert not (DISTRIBUTION / "larixpkgs/packages" / f"{package.name.replace('-', '_')}.py").exists()
    lowering_for(DEFAULT_STORE_DIR, "x86_64-linux").lower(package)
    readme = (DISTRIBUTION / "drafts/README.md").read_text(encoding="utf-8")
    assert package.name in re.findall(r"^\| `([\w-]+)` \|", readme, re.MULTILINE)
