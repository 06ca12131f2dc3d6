"""What larix says to people, in their language: every layer passes its texts through `tr` or `plural`.

A text is written in English where it is needed, as a literal with named gaps: `tr("{name}: unknown package",
name=name)`. Until `speak` gives translations it stays as it is. Nothing here looks at the world: that the
user reads French is found out by `cli`, and tests and other programs hear English.

`tools/messages.py` gathers the literals. Texts that stand in constants are marked with `mark` there and go
through `tr` when they are shown; those of option tables need no mark. Never translated: options, names of
fields, JSON, and what builds print, which is part of their results.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would be the most costly import of `larix --version`
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    class Translations(Protocol):
        """What Python's `gettext` makes of a file of messages."""

        def gettext(self, message: str, /) -> str: ...
        def ngettext(self, one: str, many: str, number: int, /) -> str: ...


__all__ = ["chosen_language", "mark", "mark_plural", "plural", "source", "speak", "tr"]

_translations: Translations | None = None
_source: str | None = None


def speak(translations: Translations | None, source: str | None = None) -> None:
    """From now on say everything as `translations` have it; None: in English.

    `source` is the compiled file they come from, for processes that are started to work for this one.
    """
    global _translations, _source
    _translations, _source = translations, source


def source() -> str | None:
    """The compiled file of the translations, if there are any and they stand in one."""
    return _source


def mark(text: str) -> str:
    """The text as it is; that it is written in this call tells that it is to be translated."""
    return text


def mark_plural(one: str, many: str) -> tuple[str, str]:
    """The same for a text with a plural: `plural(*pair, number)` says it."""
    return one, many


def tr(text: str, /, **gaps: object) -> str:
    """The text in the user's language, its gaps filled; without any, braces are ordinary letters."""
    if _translations is None:
        return text.format(**gaps) if gaps else text
    return _filled(text, _translations.gettext(text) if text else "", gaps)


def plural(one: str, many: str, number: int, /, **gaps: object) -> str:
    """The form that the user's language has for `number`, which fills the gap `number` as well."""
    gaps["number"] = number
    text = one if number == 1 else many
    if _translations is None:
        return text.format(**gaps)
    return _filled(text, _translations.ngettext(one, many, number), gaps)


def _filled(text: str, translated: str, gaps: dict[str, object]) -> str:
    if not gaps:
        return translated
    try:
        return translated.format(**gaps)
    except (LookupError, ValueError, AttributeError):  # a translation with other gaps is none
        return text.format(**gaps)


def chosen_language(wishes: Iterable[str], offered: Sequence[str]) -> str | None:
    """The first of the wishes (names of locales such as `fr_CA.UTF-8`) that is offered, as `fr_CA` or `fr`.

    English, and `C`, are what the texts are in.
    """
    for wish in wishes:
        territory = wish.partition(".")[0].partition("@")[0]
        language = territory.partition("_")[0]
        if territory in offered:
            return territory
        if language in offered:
            return language
        if language in {"C", "POSIX", "en"}:
            return None
    return None
