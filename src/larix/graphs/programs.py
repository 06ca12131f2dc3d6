"""What the program of a derivation says, so that two can be compared part by part.

A build expression becomes a short Python text: imports, functions, values that these captured, and one call
with everything as keyword arguments. See `larix.staging.expr`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Function", "Program", "mentioned_strings", "read_program"]


class Function(NamedTuple):
    """Its text, and the number of the line that it starts at."""

    text: str
    line: int

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


class Program(NamedTuple):
    """`arguments` are those of the call at the end, `values` what stands beside the functions by name."""

    arguments: Mapping[str, ast.expr]
    values: Mapping[str, ast.expr]
    functions: Mapping[str, Function]
    imports: frozenset[str]


def read_program(text: str) -> Program | None:
    """The parts of a program; None for what is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    lines = text.splitlines()
    values: dict[str, ast.expr] = {}
    functions: dict[str, Function] = {}
    imports: set[str] = set()
    arguments: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            first, last = node.lineno, node.end_lineno or node.lineno
            functions[node.name] = Function("\n".join(lines[first - 1 : last]), first)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = node.value
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.add(ast.unparse(node))
        else:
            call = _call(node)
            if call is not None and call.keywords:
                arguments = {each.arg: each.value for each in call.keywords if each.arg is not None}
    return Program(arguments, values, functions, frozenset(imports))


def _call(node: ast.stmt) -> ast.Call | None:
    """The call that a statement is, or that it passes the result of to the system."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return node.value
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        inner = node.exc.args[0]
        return inner if isinstance(inner, ast.Call) else None
    return None


def mentioned_strings(program: Program) -> Iterator[tuple[str, str]]:
    """Strings of arguments and values, each with its role: the name, and the key or number inside of it."""
    for name, value in (*program.values.items(), *program.arguments.items()):
        yield from _strings(name, value)


def _strings(role: str, node: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield role, node.value
    elif isinstance(node, ast.Call):
        for each in node.args:
            yield from _strings(role, each)
    elif isinstance(node, ast.Tuple | ast.List):
        for number, each in enumerate(node.elts):
            yield from _strings(f"{role}[{number}]", each)
    elif isinstance(node, ast.Dict):
        for key, each in zip(node.keys, node.values, strict=True):
            label = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else "?"
            yield from _strings(f"{role}[{label}]", each)
