"""The texts of larix for translators: gathered from the sources, and merged into the files of translations.

    .venv/bin/python tools/messages.py             bring translations/*.po up to date, tell what lacks
    .venv/bin/python tools/messages.py --template  print all texts as a template, for a new language

Gathered are the literals in calls of `tr`, `plural` and the like, all texts of option tables (`Option`,
`Grammar`) and kinds of graphs, and what is called SYNOPSIS, DESCRIPTION or `description`. Translations of
texts that are gone are dropped.
"""

from __future__ import annotations

import ast
import os
import re
import string
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.join(CHECKOUT, "src", "larix")
TRANSLATIONS = os.path.join(SOURCE, "translations")
sys.path.insert(0, os.path.join(CHECKOUT, "src"))

from larix.packages.translation import Translated, field_lines, read_catalogue  # noqa: E402

__all__ = ["Text", "Unmarked", "fields_of", "gathered", "lacking", "merged", "sources", "unmarked"]

TABLE_FIELDS = {
    "Option": {"argument": 2, "help": 3},
    "Grammar": {"usage": 1, "summary": 2},
    "Kind": {"description": 1},  # of graphs
}
SPOKEN = {"Unfit", "TransferError", "UnknownUri", "say", "warning", "note", "show_hint", "fail", "os_failure"}
TOLD = {"hint", "expected", "found", "subject", "problem", "message"}
NAMED = {"SYNOPSIS", "DESCRIPTION", "description"}  # the last one is that of build systems


# Spaces that must not break, and apostrophes, as print has them; translators type what keys there are.
TYPOGRAPHY = {
    "fr": (
        (re.compile("« "), "«\u00a0"),
        (re.compile(" »"), "\u00a0»"),
        (re.compile(" ([:%])"), "\u00a0\\1"),
        (re.compile(r" ([;?!])(?=[\s)]|$)"), "\u202f\\1"),
        (re.compile("(?<=[A-Za-zÀ-ÿœ])'(?=[A-Za-zÀ-ÿœ«{])"), "\u2019"),
    ),
}


class Text(NamedTuple):
    """A text to translate, with the files that have it."""

    text: str
    plural: str
    files: tuple[str, ...]


class Unmarked(NamedTuple):
    """A literal that reaches people and passes through none of the marks."""

    file: str
    line: int
    text: str


def sources() -> Iterator[str]:
    """The files of larix that can say something; what runs inside builds is not among them."""
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = sorted(each for each in folders if each not in {"buildside", "testing", "__pycache__"})
        yield from (os.path.join(folder, each) for each in sorted(files) if each.endswith(".py"))


def gathered(files: Iterable[str]) -> list[Text]:
    """The texts of `files`, each once, in their order."""
    found: dict[str, Text] = {}
    for file in files:
        shown = os.path.relpath(file, CHECKOUT)
        for text, plural in _texts(parsed(file)):
            if not text:
                continue
            known = found.get(text, Text(text, plural, ()))
            places = tuple(dict.fromkeys((*known.files, shown)))
            found[text] = Text(text, known.plural or plural, places)
    return list(found.values())


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in {"plural", "mark_plural"} and len(node.args) >= 2:
                one, many = _literal(node.args[0]), _literal(node.args[1])
                if one is not None and many is not None:
                    yield one, many
            elif name in {"tr", "mark"} and node.args and (text := _literal(node.args[0])):
                yield text, ""
            elif name in TABLE_FIELDS:
                yield from _table_texts(node, TABLE_FIELDS[name])
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            heading = _literal(node.elts[0])  # of a group of options
            if heading and heading.endswith(":"):
                yield heading, ""
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in NAMED for target in node.targets
        ):
            yield _literal(node.value) or "", ""


def _table_texts(node: ast.Call, fields: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    for field, position in fields.items():
        value = node.args[position] if len(node.args) > position else named.get(field)
        if value is not None and (text := _literal(value)):
            yield text, ""


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def error_classes(trees: Iterable[ast.Module]) -> set[str]:
    """The names of `LarixError` and of all classes below it."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"LarixError"}
    while below := {name for name, above in bases.items() if above & found} - found:
        found |= below
    return found


def unmarked(files: Iterable[str]) -> list[Unmarked]:
    """Literals given to errors that people cause, to hints and to what is said, without a mark."""
    trees = {file: parsed(file) for file in files}
    errors = error_classes(trees.values())
    return [
        Unmarked(os.path.relpath(file, CHECKOUT), node.lineno, ast.unparse(node))
        for file, tree in trees.items()
        for node in spoken_literals(tree, errors)
        if has_words(node)
    ]


def parsed(file: str) -> ast.Module:
    with open(file, encoding="utf-8") as stream:
        return ast.parse(stream.read(), file)


def spoken_literals(tree: ast.Module, errors: set[str]) -> Iterator[ast.Constant | ast.JoinedStr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in errors:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _name(inner.func) == "__init__":
                    for argument in inner.args:
                        yield from _literals(argument)
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name in errors or name in SPOKEN:
            for argument in node.args:
                yield from _literals(argument)
        for keyword in node.keywords:
            if keyword.arg in TOLD:
                yield from _literals(keyword.value)


def _literals(node: ast.expr) -> Iterator[ast.Constant | ast.JoinedStr]:
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from _literals(each)
    elif isinstance(node, ast.BinOp):
        yield from _literals(node.left)
        yield from _literals(node.right)


def has_words(node: ast.Constant | ast.JoinedStr) -> bool:
    """Whether there are letters that are not a literal in quotes, an option or the name of the program."""
    if isinstance(node, ast.Constant):
        text = str(node.value)
    else:
        text = "".join(str(each.value) if isinstance(each, ast.Constant) else "0" for each in node.values)
    told = "\n".join(line for line in text.split("\n") if not line.startswith("  "))  # not commands to copy
    bare = re.sub(r"\b[a-z]+://\S*|`[^`]*[`']|--?[\w-]+|[A-Z]+:|\blarix\b|\berror:", "", told)
    return re.search(r"\b[a-z]{2,}\b", bare) is not None


def fields_of(text: str) -> set[str]:
    """The gaps of a text; none where it is not filled, which `str.format` would refuse."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        return set()


def typeset(translation: str, language: str) -> str:
    """The translation as the language's typography wants it."""
    for pattern, replacement in TYPOGRAPHY.get(language, ()):
        translation = pattern.sub(replacement, translation)
    return translation


def merged(texts: Iterable[Text], known: Mapping[str, Translated], header: str) -> Iterator[str]:
    """The lines of a file of messages: what is known of `texts`, and empty translations for the others."""
    language = found[1] if (found := re.search(r"^Language: (\w+)$", header, re.MULTILINE)) else ""
    yield from field_lines("msgid", "")
    yield from field_lines("msgstr", header)
    forms = int(found[1]) if (found := re.search(r"nplurals=(\d+)", header)) else 2
    for each in texts:
        yield ""
        yield f"#: {' '.join(each.files)}"
        yield from field_lines("msgid", each.text)
        translated = known.get(each.text)
        fits = translated is not None and translated.plural == each.plural
        texts_of = (
            [typeset(form, language) for form in translated.translations] if translated and fits else []
        )
        if each.plural:
            yield from field_lines("msgid_plural", each.plural)
            for number in range(forms):
                yield from field_lines(
                    f"msgstr[{number}]", texts_of[number] if number < len(texts_of) else ""
                )
        else:
            yield from field_lines("msgstr", texts_of[0] if texts_of else "")


def lacking(texts: Iterable[Text], known: Mapping[str, Translated]) -> list[str]:
    """What is wrong with translations: texts without one, and gaps that are not the text's."""
    wrong: list[str] = []
    for each in texts:
        translated = known.get(each.text)
        if translated is None or translated.plural != each.plural:
            wrong.append(f"{each.files[0]}: not translated: {each.text!r}")
            continue
        gaps = fields_of(each.text) | fields_of(each.plural)
        for index, form in enumerate(translated.translations):
            missing = gaps - fields_of(form)
            if each.plural and index == 0:
                missing -= {"number"}  # "one" may be said in words
            if missing or fields_of(form) - gaps:
                wrong.append(f"{each.files[0]}: other gaps in the translation of {each.text!r}: {form!r}")
    return wrong


def main(arguments: list[str]) -> int:
    texts = gathered(sources())
    if arguments == ["--template"]:
        print("\n".join(merged(texts, {}, "Content-Type: text/plain; charset=UTF-8\n")))
        return 0
    status = 0
    for name in sorted(os.listdir(TRANSLATIONS)):
        if not name.endswith(".po"):
            continue
        file = os.path.join(TRANSLATIONS, name)
        known = {each.text: each for each in read_catalogue(file)}
        header = known[""].translations[0]
        with open(file, "w", encoding="utf-8") as stream:
            stream.write("\n".join(merged(texts, known, header)) + "\n")
        for problem in lacking(texts, known):
            print(f"{name}: {problem}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
