"""The tutorial is followed by a reader who takes every word of it for true."""

from __future__ import annotations

from pathlib import Path

import pytest

from larix.packages.modules import packages_of_file
from sessions import CHECKOUT, Change, Contents, Place, Step, document_of, place_of

TUTORIAL = document_of((CHECKOUT / "docs" / "tutorial.md").read_text(encoding="utf-8"))


def test_tutorial_has_files_changes_and_commands_of_every_kind() -> None:
    kinds = [type(each) for each in TUTORIAL]
    assert (kinds.count(Contents), kinds.count(Change)) == (2, 5)
    commands = [each.command.split()[:2] for each in TUTORIAL if isinstance(each, Step)]
    for word in ("show", "build", "run", "package", "search", "lint"):
        assert ["larix", word] in commands
    assert sum(each.fails for each in TUTORIAL if isinstance(each, Step)) == 3


def test_changes_apply_one_after_the_other_and_end_in_a_definition(tmp_path: Path) -> None:
    """What can be known of the tutorial without building anything."""
    (tmp_path / "recipes").mkdir()
    Place(tmp_path, {}, "/s").follow([each for each in TUTORIAL if not isinstance(each, Step)])
    ((name, package),) = packages_of_file(str(tmp_path / "recipes" / "ascii.py"))
    assert (name, package.full_name) == ("ascii", "ascii@3.18")
    assert "configure" not in [phase for phase, _ in package.arguments["phases"].pairs]


def test_document_tells_what_is_wrong_with_it(tmp_path: Path) -> None:
    place = Place(tmp_path, {"PATH": "/usr/bin:/bin"}, "/s")
    place.follow(document_of("```console\n$ export X=1\n$ echo $X; echo ..\n1\n..\n```\n"))
    for text in (
        "```console\n$ echo a\nb\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ true\nerror: it failed\n```\n",
        "<!-- file: f -->\n```text\na\n```\n<!-- change: f -->\n```diff\n-b\n+c\n```\n",
    ):
        with pytest.raises(AssertionError):
            place.follow(document_of(text))


@pytest.mark.build
@pytest.mark.slow
def test_tutorial_holds_word_for_word(clone: Path) -> None:
    place_of(clone, clone.parent / "tutorial").follow(TUTORIAL)
