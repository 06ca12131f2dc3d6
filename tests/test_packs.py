"""The commands of docs/packs.md do what is shown there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions import CHECKOUT, document_of, place_of

DOCUMENT = document_of((CHECKOUT / "docs" / "packs.md").read_text(encoding="utf-8"))


@pytest.mark.build
@pytest.mark.slow
def test_what_is_shown_of_packs_holds(clone: Path) -> None:
    place_of(clone, clone.parent / "packs").follow(DOCUMENT)
