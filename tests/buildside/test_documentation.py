"""Where documentation stands in an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from larix.buildside.documentation import move_documentation
from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from pathlib import Path


def test_manuals_beside_share_are_moved_into_it(tmp_path: Path) -> None:
    (tmp_path / "man" / "man1").mkdir(parents=True)
    (tmp_path / "man" / "man1" / "x.1").touch()
    assert move_documentation(tmp_path) == [tmp_path / "share" / "man"]
    assert (tmp_path / "share" / "man" / "man1" / "x.1").exists()
    assert not (tmp_path / "man").exists()


def test_manuals_in_both_places_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "share" / "info").mkdir(parents=True)
    with pytest.raises(BuildSideError, match="stands in both"):
        move_documentation(tmp_path)
