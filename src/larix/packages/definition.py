"""The text that defines a record: where its fields stand in the file, and how to change them in place.

A record knows the line and column of the call that made it. From there the syntax tree leads to the fields;
what is changed are the characters of single values, so that all else in the file stays as its author wrote
it.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, TypeGuard

from larix.errors import LarixError, Location
from larix.words import tr

__all__ = ["CannotEdit", "Definition", "Edit", "SourceText", "is_text", "strings_in"]


class CannotEdit(LarixError):
    """A definition is not written in a way that larix could change."""


class Edit(NamedTuple):
    """Put `text` in the place of `node`."""

    node: ast.expr
    text: str


class SourceText:
    """A Python file, its text and its syntax tree. Raises CannotEdit when it cannot be read."""

    def __init__(self, file: str, data: bytes | None = None) -> None:
        """`data`, if given, is what the file could hold instead."""
        self.file = file
        try:
            if data is None:
                with open(file, "rb") as stream:
                    data = stream.read()
            self.data = data
            self.text = self.data.decode("utf-8")
            self.tree = ast.parse(self.data, file)
        except (OSError, ValueError, SyntaxError) as error:
            raise CannotEdit(
                tr("cannot read the definition: {error}", error=error), place=Location(file, 1)
            ) from error

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def comments(self) -> dict[int, str]:
        """The comments by their lines."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.data.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def place(self, node: ast.expr | ast.keyword) -> Location:
        return Location(self.file, node.lineno, node.col_offset + 1)

    def call_at(self, place: Location) -> ast.Call | None:
        """The call that begins at `place`; of several in one chain, the one with the most fields."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and (node.lineno, node.col_offset + 1) == (place.line, place.column)
        ]
        return max(found, key=lambda call: len(call.keywords), default=None)

    def value_of_name(self, name: str) -> ast.expr | None:
        """What a name of the module is set to, if that happens once."""
        found = [
            node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name) and target.id == name
        ]
        return found[0] if len(found) == 1 else None

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Beginning and end of a node, in bytes."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise CannotEdit(tr("this has no end"), place=self.place(node))
        starts = self._line_starts
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """The file's bytes with the edits made; everything between them is untouched."""
        data = self.data
        for start, end, text in sorted(((*self.span(edit.node), edit.text) for edit in edits), reverse=True):
            data = data[:start] + text.encode() + data[end:]
        return data


class Definition:
    """The call that made one record."""

    def __init__(self, source: SourceText, call: ast.Call) -> None:
        self.source = source
        self.call = call

    @classmethod
    def at(cls, place: Location) -> Definition:
        source = SourceText(place.file)
        call = source.call_at(place)
        if call is None:
            raise CannotEdit(tr("no definition begins here"), place=place)
        return cls(source, call)

    def field(self, name: str) -> ast.expr | None:
        """The value of a field as it is written, or None."""
        return next((each.value for each in self.call.keywords if each.arg == name), None)

    def literal(self, name: str) -> ast.Constant:
        """The string that a field is set to, directly or through a name of the module."""
        value = self.field(name)
        if isinstance(value, ast.Name):
            value = self.source.value_of_name(value.id)
        if value is None or not is_text(value):
            place = self.source.place(self.call if value is None else value)
            raise CannotEdit(tr("`{name}` is not written as a string", name=name), place=place)
        return value

    def lines(self) -> range:
        """The numbers of the lines that the definition covers."""
        return range(self.call.lineno, (self.call.end_lineno or self.call.lineno) + 1)

    def reason_near(self, node: ast.expr) -> bool:
        """Whether a comment stands on the node's first line, or on the lines directly above it."""
        comments = self.source.comments
        return node.lineno in comments or node.lineno - 1 in comments


def is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    """Whether a node is a plain string, in one piece."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def strings_in(node: ast.AST) -> Iterator[ast.Constant]:
    """All plain strings below a node."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each
