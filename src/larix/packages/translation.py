"""Synopses and descriptions in other languages: marks in package modules, and gettext's files of messages.

Texts of the fields `synopsis` and `description` are translated as they are; other texts that shall be are
marked: `mark("…")`. `template` (`larix messages`) gives all texts of a catalogue as a `.pot` file, from which
translators make `LANGUAGE.po` files. These are put anywhere below the folder of package modules, or the
distribution; the index of the catalogue takes their texts in, so that nothing is looked up afterwards.

The grammar of a `.po` file, as far as it is read here: entries of comment lines, `msgctxt`, `msgid`,
`msgid_plural` and `msgstr` (`msgstr[0]`), each with strings as in C, which are joined. Entries without a
translation, fuzzy, obsolete or with a plural are left out, and so is the first one, which describes the file.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import LarixError, Location
from larix.words import chosen_language, mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from larix.packages.entry import Entry

__all__ = [
    "BadTranslation",
    "Message",
    "Translated",
    "chosen_language",
    "field_lines",
    "mark",
    "marked",
    "read_catalogue",
    "read_messages",
    "template",
]

_LINE = re.compile(r'(?:(?P<word>[a-z_]+)(?:\[(?P<number>\d+)\])?[ \t]+)?"(?P<text>(?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WORDS = {"msgctxt", "msgid", "msgid_plural", "msgstr"}


class BadTranslation(LarixError):
    """A file of messages that cannot be read."""


class Translated(NamedTuple):
    """A text of a file of messages with its translation, or with one for each form of the plural."""

    text: str
    plural: str
    translations: tuple[str, ...]


class Message(NamedTuple):
    """A text to translate, and where it stands."""

    text: str
    places: tuple[Location, ...]
    comment: str = ""


def marked(file: str, source: str) -> Iterator[Message]:
    """The texts that a Python file marks."""
    for node in ast.walk(ast.parse(source, file)):
        if not (isinstance(node, ast.Call) and len(node.args) == 1):
            continue
        function, argument = node.func, node.args[0]
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", None)
        if name == "mark" and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield Message(argument.value, (Location(file, node.lineno),))


def template(
    entries: Iterable[Entry],
    *,
    more: Iterable[Message] = (),
    known: Mapping[str, str] | None = None,
    language: str = "",
    top: str = "",
) -> Iterator[str]:
    """The lines of a file of messages: what packages say of themselves, and `more`.

    Without `known` translations it is a template. Places are told relative to `top`.
    """
    found: dict[str, Message] = {}
    for each in entries:
        for kind, text in (("synopsis", each.synopsis), ("description", each.description)):
            if text:
                _gather(found, Message(text, (each.location,), f"{kind} of {each.name}"))
    for message in more:
        _gather(found, message)
    yield 'msgid ""'
    yield 'msgstr ""'
    if language:
        yield f'"Language: {language}\\n"'
    yield '"Content-Type: text/plain; charset=UTF-8\\n"'
    yield '"Content-Transfer-Encoding: 8bit\\n"'
    for message in found.values():
        yield ""
        if message.comment:
            yield f"#. {message.comment}"
        for place in message.places:
            file = place.file.removeprefix(f"{top}/") if top else place.file
            yield f"#: {file}:{place.line}"
        yield from field_lines("msgid", message.text)
        yield from field_lines("msgstr", (known or {}).get(message.text, ""))


def _gather(found: dict[str, Message], message: Message) -> None:
    known = found.get(message.text)
    if known is not None:
        message = known._replace(places=tuple(dict.fromkeys((*known.places, *message.places))))
    found[message.text] = message


def field_lines(word: str, text: str) -> Iterator[str]:
    """The lines of one field of an entry."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    if len(lines) < 2:
        yield f"{word} {_quoted(text)}"
        return
    yield f'{word} ""'
    for line in lines:
        yield _quoted(line)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter in "ntr":
        escaped = escaped.replace(_ESCAPES[letter], f"\\{letter}")
    return f'"{escaped}"'


def read_messages(file: str) -> dict[str, str]:
    """The translations of a `.po` file by their texts; `BadTranslation` for one that is none."""
    return {
        fields["msgid"]: fields["msgstr"] for fields in _entries(file, _lines(file)) if _is_usable(fields)
    }


def read_catalogue(file: str) -> list[Translated]:
    """All that a `.po` file translates, with the description of the file as the translation of no text.

    Entries for one context alone are left out, and so are the fuzzy and the empty ones.
    """
    found: list[Translated] = []
    for fields in _entries(file, _lines(file)):
        forms = sorted(each for each in fields if each.startswith("msgstr"))
        translations = tuple(fields[each] for each in forms)
        if "msgid" in fields and "msgctxt" not in fields and translations and all(translations):
            found.append(Translated(fields["msgid"], fields.get("msgid_plural", ""), translations))
    return found


def _lines(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8", newline="\n") as stream:
            return stream.read().split("\n")
    except UnicodeDecodeError as error:
        raise BadTranslation(tr("the file is not in UTF-8"), place=Location(file, 1)) from error
    except OSError as error:
        raise BadTranslation(
            tr("cannot read it: {problem}", problem=error.strerror), place=Location(file, 1)
        ) from error


def _entries(file: str, lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """The fields of each entry that is not fuzzy."""
    fields: dict[str, str] = {}
    is_fuzzy = False
    current = ""
    for number, line in enumerate([*lines, ""], 1):
        stripped = line.strip()
        match = _LINE.fullmatch(stripped)
        word = match["word"] if match else None
        is_first = stripped.startswith("#") or word in {"msgid", "msgctxt"}
        is_whole = any(each.startswith("msgstr") for each in fields)
        if fields and (not stripped or (is_first and is_whole)):
            if not is_fuzzy:
                yield fields
            fields, is_fuzzy, current = {}, False, ""
        if not stripped:
            continue
        if stripped.startswith("#"):
            is_fuzzy = is_fuzzy or (stripped.startswith("#,") and "fuzzy" in stripped)
            continue
        if match is None or (word is not None and word not in _WORDS) or (word is None and not current):
            raise BadTranslation(
                tr("this is no line of a file of messages"),
                place=Location(file, number),
                hint=tr('lines are comments, `msgid "…"`, `msgstr "…"` and strings that go on with them'),
            )
        if word is not None:
            current = f"{word}[{match['number']}]" if match["number"] else word
        fields[current] = fields.get(current, "") + _unescaped(match["text"])


def _is_usable(fields: dict[str, str]) -> bool:
    return bool(fields.get("msgid") and fields.get("msgstr")) and "msgid_plural" not in fields


def _unescaped(text: str) -> str:
    def meant(match: re.Match[str]) -> str:
        word = match[1]
        if word[0] == "x" and len(word) > 1:
            return chr(int(word[1:], 16))
        return chr(int(word, 8)) if word.isdigit() else _ESCAPES.get(word, word)

    return _ESCAPE.sub(meant, text) if "\\" in text else text
