"""Searching the catalogue: regular expressions in what is known of packages, and how relevant a package is.

Hits are counted and weighed by where they are. Most searches are for plain words: these, and expressions that
cannot mean a line's end, are looked for in the whole text of a part at once (of 10,000 packages, some 3 MB);
others line by line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from larix.packages.index import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larix.packages.index import Index

__all__ = ["relevance"]

WEIGHTS = (("name", 4), ("synopsis", 3), ("description", 2), ("upstream", 2), ("output", 1), ("file", 1))
TRANSLATED = {"synopsis", "description"}
# A whole name counts five times.
WHOLE_NAME = 16

_SIMPLE = re.compile(
    r"(?:[A-Za-z0-9 _,:;/#@!%&=<>~\"'`.^$*+|{}-]|[()](?!\?)|\\[bdw.*+?()|^$-]|(?<=.)\?|\[[a-z0-9.+-]+\])+"
)
_LITERAL = re.compile(r"[A-Za-z0-9 _,:;/#@!%&=<>~\"'`-]+")


def relevance(index: Index, expressions: Sequence[re.Pattern[str]], language: str | None) -> dict[int, int]:
    """The packages (by line) in which every expression is found, with the weighed number of hits."""
    total: dict[int, int] | None = None
    for expression in expressions:
        found = _scores(index, expression, language)
        if total is None:
            total = found
        else:
            total = {row: score + found[row] for row, score in total.items() if row in found}
    return total or {}


def _scores(index: Index, expression: re.Pattern[str], language: str | None) -> dict[int, int]:
    scores: dict[int, int] = {}
    for field, weight in WEIGHTS:
        prefix = f"{language}." if language and field in TRANSLATED else ""
        part = f"search.{prefix}{field}"
        for row in _hits(index, part, expression.pattern):
            scores[row] = scores.get(row, 0) + weight
    names = index.column("name")
    for row in scores:
        if expression.fullmatch(names[row]):
            scores[row] += WHOLE_NAME
    return scores


def _hits(index: Index, part: str, pattern: str) -> Iterator[int]:
    """The line of each hit; lines are in small letters."""
    if _LITERAL.fullmatch(pattern):
        return _places(index, part, _literal_hits(index.text(part), fold(pattern)))
    if _SIMPLE.fullmatch(pattern):
        compiled = re.compile(pattern.lower(), re.MULTILINE)
        if not compiled.match(""):
            return _places(index, part, (each.start() for each in compiled.finditer(index.text(part))))
    return _hits_by_line(index.column(part), re.compile(pattern, re.IGNORECASE))


def _literal_hits(text: str, word: str) -> Iterator[int]:
    position = text.find(word)
    while position >= 0:
        yield position
        position = text.find(word, position + len(word))


def _places(index: Index, part: str, positions: Iterator[int]) -> Iterator[int]:
    starts = index.starts(part)
    for position in positions:
        yield bisect_right(starts, position) - 1


def _hits_by_line(lines: Sequence[str], expression: re.Pattern[str]) -> Iterator[int]:
    """An expression that is found without taking a letter, such as the empty one, is one hit."""
    find = expression.search
    for row, line in enumerate(lines):
        if find(line) is not None:
            hits = sum(1 for each in expression.finditer(line) if each.group())
            yield from (row for _ in range(hits or 1))
