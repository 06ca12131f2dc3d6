"""Texts in the user's language: gaps, plurals, and translations that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from larix import words
from larix.words import chosen_language, mark, mark_plural, plural, tr


class Shouting:
    """A language with three plural forms, some translations of which are wrong."""

    texts: ClassVar = {"{a} and {b}": "{b} ET {a}", "broken": "{nothing}", "{a} is broken": "{b} EST CASSÉ"}

    def gettext(self, message: str) -> str:
        return self.texts.get(message, message)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return ["{number} UN", "{number} DEUX", "{number} BEAUCOUP"][min(number, 3) - 1]


@pytest.fixture
def shouting() -> Iterator[None]:
    words.speak(Shouting())
    yield
    words.speak(None)


def test_english_needs_no_translations():
    assert tr("plain {braces}") == "plain {braces}"
    assert tr("{name}: {size:.1f} and {text!r}", name="x", size=2, text="y") == "x: 2.0 and 'y'"
    assert [plural("{number} file", "{number} files of {who}", n, who="us") for n in (0, 1, 2)] == [
        "0 files of us",
        "1 file",
        "2 files of us",
    ]
    assert mark("text") == "text"
    assert plural(*mark_plural("one", "many"), 2) == "many"


@pytest.mark.usefixtures("shouting")
def test_a_translation_may_order_the_gaps_anew():
    assert tr("{a} and {b}", a=1, b=2) == "2 ET 1"
    assert tr("unknown {a}", a=1) == "unknown 1"
    assert tr("") == ""


@pytest.mark.usefixtures("shouting")
def test_the_language_chooses_the_plural():
    assert [plural("{number} one", "{number} many", n) for n in (1, 2, 5)] == ["1 UN", "2 DEUX", "5 BEAUCOUP"]


@pytest.mark.usefixtures("shouting")
def test_a_translation_with_other_gaps_is_none():
    assert tr("{a} is broken", a=1) == "1 is broken"
    assert tr("broken") == "{nothing}"


@pytest.mark.parametrize(
    ("wishes", "chosen"),
    [
        (["fr_CA.UTF-8"], "fr"),
        (["de", "pt_BR"], "pt_BR"),
        (["en_GB", "fr"], None),
        (["de"], None),
        ([], None),
    ],
)
def test_the_first_language_that_there_is(wishes, chosen):
    assert chosen_language(wishes, ["fr", "pt_BR"]) == chosen
