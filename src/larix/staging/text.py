"""The canonical text of a function: its own source, less what has no effect in a build.

Text is sliced from the source, never printed from the syntax tree, whose printer differs between versions
of Python. Comments, blank lines, docstrings, annotations and decorators go; the rest stays as written,
moved to the left margin. So a function's text, and the names of all that it builds, survive edits around it
and remarks in it.

Annotations stay in the bodies of classes, where `dataclass` and its like read them; they are then strings.
Default values leave a slot each, and so does the function's own name: they are filled when the function is
staged.
"""

from __future__ import annotations

import ast
import io
import token
import tokenize
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["NAME_SLOT", "Template", "default_slot", "make_template"]

NAME_SLOT = "\0name\0"

# Strings with fields are one token up to Python 3.11 and several after it, as are the t-strings of 3.14.
_OPENERS = {getattr(token, name, -1) for name in ("FSTRING_START", "TSTRING_START")}
_CLOSERS = {getattr(token, name, -1) for name in ("FSTRING_END", "TSTRING_END")}

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Position = tuple[int, int]


def default_slot(number: int) -> str:
    return f"\0default {number}\0"


class Template(NamedTuple):
    """`lines` with slots, and for each the line of the source file that it came from."""

    lines: tuple[str, ...]
    host_lines: tuple[int, ...]
    has_class_annotations: bool

    def fill(self, name: str, defaults: Sequence[str]) -> list[str]:
        """The text's lines with the function called `name`; `defaults` in the order of the parameters."""
        filled: list[str] = []
        for line in self.lines:
            new = line
            if "\0" in new:
                new = new.replace(NAME_SLOT, name)
                for number, default in enumerate(defaults):
                    new = new.replace(default_slot(number), default)
            filled.append(new)
        return filled


class _Cut(NamedTuple):
    start: _Position  # line of the file and character in it
    end: _Position
    text: str


def make_template(source: Sequence[str], node: _Function) -> Template:
    """The template of `node`, which stands in the file whose lines are `source`."""
    first, last = node.lineno, node.end_lineno or node.lineno
    lines = list(source[first - 1 : last])
    cutter = _Cutter(lines, first)
    cutter.cut_function(node, is_outermost=True)
    host_lines = list(range(first, last + 1))
    for cut in _outermost(cutter.cuts):
        low, high = cut.start[0] - first, cut.end[0] - first
        # Lines are numbered from the start, so cutting from the end leaves the rest where it is.
        lines[low : high + 1] = [lines[low][: cut.start[1]] + cut.text + lines[high][cut.end[1] :]]
        del host_lines[low + 1 : high + 1]
    indentation = source[first - 1][: len(source[first - 1]) - len(source[first - 1].lstrip())]
    kept = list(_tidy(lines, host_lines, cutter.inside_strings, indentation))
    return Template(
        tuple([line for line, _ in kept]), tuple([number for _, number in kept]), cutter.has_class_annotations
    )


def _outermost(cuts: list[_Cut]) -> Iterator[_Cut]:
    """Those that stand in no other, last first."""
    reached: _Position = (0, 0)
    chosen: list[_Cut] = []
    for cut in sorted(cuts, key=lambda cut: (cut.start, tuple(-part for part in cut.end))):
        if cut.start >= reached:
            chosen.append(cut)
            reached = cut.end
    return reversed(chosen)


def _tidy(
    lines: list[str], host_lines: list[int], inside_strings: set[int], indentation: str
) -> Iterator[tuple[str, int]]:
    before = ""
    for number, (line, host_line) in enumerate(zip(lines, host_lines, strict=True)):
        new = line
        if host_line not in inside_strings:
            new = new[len(indentation) :] if new.startswith(indentation) else new.lstrip()
        if number + 1 == len(lines) or host_lines[number + 1] not in inside_strings:
            new = new.rstrip()
        # An empty line ends one that is continued with a backslash.
        if new or host_line in inside_strings or before.endswith("\\"):
            yield new, host_line
        before = new


class _Cutter:
    """Finds what goes; positions are those of the file."""

    def __init__(self, lines: Sequence[str], first: int) -> None:
        self.lines = lines
        self.first = first
        self.cuts: list[_Cut] = []
        self.inside_strings: set[int] = set()
        self.has_class_annotations = False
        self.tokens: list[tokenize.TokenInfo] = []
        self.starts: dict[_Position, int] = {}
        self._read_tokens()

    def _read_tokens(self) -> None:
        depth, opened = 0, 0
        readline = io.StringIO("\n".join(self.lines) + "\n").readline
        for each in tokenize.generate_tokens(readline):
            (start, column), (end, end_column) = each.start, each.end
            start, end = start + self.first - 1, end + self.first - 1
            if each.type == token.STRING:
                self.inside_strings.update(range(start + 1, end + 1))
            elif each.type in _OPENERS:
                opened = opened if depth else start
                depth += 1
            elif each.type in _CLOSERS:
                depth -= 1
                if not depth:
                    self.inside_strings.update(range(opened + 1, end + 1))
            elif each.type == token.COMMENT:
                self.cuts.append(_Cut((start, column), (end, end_column), ""))
            if each.type in {token.NL, token.INDENT, token.DEDENT, token.COMMENT}:
                continue
            self.starts[start, column] = len(self.tokens)
            self.tokens.append(each._replace(start=(start, column), end=(end, end_column)))

    def position(self, line: int, byte: int) -> _Position:
        """Syntax trees count columns in bytes of UTF-8, tokens in characters."""
        text = self.lines[line - self.first]
        return line, byte if text.isascii() else len(text.encode()[:byte].decode())

    def start(self, node: ast.expr | ast.stmt | ast.arg) -> _Position:
        return self.position(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> _Position:
        return self.position(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def next_operator(self, after: _Position, text: str) -> int:
        """The number of the first token `text` at or after a position."""
        return next(
            number
            for number, each in enumerate(self.tokens)
            if each.start >= after and each.type == token.OP and each.string == text
        )

    def cut(self, start: _Position, end: _Position, text: str = "") -> None:
        self.cuts.append(_Cut(start, end, text))

    def cut_function(self, node: _Function, *, is_outermost: bool = False) -> None:
        parameters = node.args
        ordinary = [*parameters.posonlyargs, *parameters.args]
        stars = [each for each in (parameters.vararg, parameters.kwarg) if each is not None]
        for parameter in (*ordinary, *stars, *parameters.kwonlyargs):
            if parameter.annotation is not None:
                name = self.tokens[self.starts[self.start(parameter)]]
                self.cut(name.end, self.end(parameter))
        if node.returns is not None:
            # In whatever brackets it stands, the arrow before it and the colon after it are its own.
            after = self.next_operator(self.end(node.returns), ":")
            before = self.starts.get(self.start(node.returns), after)
            arrow = next(number for number in range(before, 0, -1) if self.tokens[number].string == "->")
            self.cut(self.tokens[arrow - 1].end, self.tokens[after].start)
        defaults = [*parameters.defaults, *[each for each in parameters.kw_defaults if each is not None]]
        if is_outermost:
            keyword = self.tokens[self.starts[self.start(node)] + isinstance(node, ast.AsyncFunctionDef) + 1]
            self.cut(keyword.start, keyword.end, NAME_SLOT)
            for number, default in enumerate(defaults):
                self.cut(self.start(default), self.end(default), default_slot(number))
        else:
            for child in (*node.decorator_list, *defaults):
                self.visit(child, in_class=False)
        self.cut_docstring(node)
        for statement in node.body:
            self.visit(statement, in_class=False)

    def cut_docstring(self, node: _Function | ast.ClassDef) -> None:
        statement = node.body[0]
        if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
            return
        if not isinstance(statement.value.value, str):
            return
        start, end = self.start(statement), self.end(statement)
        if len(node.body) == 1:
            self.cut(start, end, "pass")
        elif not self.lines[start[0] - self.first][: start[1]].strip() and node.body[1].lineno > end[0]:
            after = self.tokens[self.starts[start] :]
            semicolon = next((each for each in after if each.start >= end and each.string == ";"), None)
            if semicolon is None or semicolon.start[0] > end[0]:
                self.cut(start, end)

    def cut_annotation(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            self.cut(self.start(node), self.end(node), "pass")
            return
        colon = self.tokens[self.next_operator(self.end(node.target), ":")]
        equals = self.tokens[self.next_operator(self.end(node.annotation), "=")]
        self.cut(colon.start, equals.start, " ")

    def visit(self, node: ast.AST, *, in_class: bool) -> None:
        if isinstance(node, _Function):
            self.cut_function(node)
            return
        if isinstance(node, ast.ClassDef):
            self.cut_docstring(node)
            for child in ast.iter_child_nodes(node):
                self.visit(child, in_class=True)
            return
        if isinstance(node, ast.AnnAssign):
            if in_class:
                self.has_class_annotations = True
            else:
                self.cut_annotation(node)
        for child in ast.iter_child_nodes(node):
            self.visit(child, in_class=in_class)
