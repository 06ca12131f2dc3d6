"""The session shown in README.md runs, line by line, in a clean clone, and prints what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions import CHECKOUT, is_shown, missing_line, place_of, session_of

STEPS = session_of((CHECKOUT / "README.md").read_text(encoding="utf-8"))


def test_session_is_found_and_short() -> None:
    assert STEPS[0].command == "./larix run hello"
    assert len(STEPS) <= 10


def test_shown_line_matches_only_its_own_kind() -> None:
    assert is_shown("/larix/store/...-hello-2.10", "x\n/s/abc-hello-2.10\n", "/s")
    assert not is_shown("/larix/store/...-hello-2.10", "/larix/store/abc-hello-2.1\n", "/larix/store")
    assert not is_shown("Again", "Again and again\n", "/s")


def test_lines_are_to_come_in_the_order_shown() -> None:
    assert missing_line(["a", "c"], "a\nb\nc\n", "/s") is None
    assert missing_line(["c", "a"], "a\nb\nc\n", "/s") == "a"
    assert missing_line(["a", "a"], "a\nb\n", "/s") == "a"


@pytest.mark.build
@pytest.mark.slow
def test_session_prints_what_is_shown(clone: Path) -> None:
    place_of(clone, clone).follow([*STEPS])
