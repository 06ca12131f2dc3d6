"""Compilers that are named as those of the machine that builds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.packages.definition import Definition, strings_in
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Flags name no tool that would be another one in a cross build"
NEEDS_NETWORK = False

_TOOL = re.compile(r"(CC|CXX|CPP|LD|AR|AS|NM|RANLIB|STRIP)=(gcc|cc|g\+\+|c\+\+|cpp|ld|ar|as|nm|ranlib|strip)")


def check(subject: Subject) -> Iterator[Finding]:
    definition = subject.definition
    arguments = definition.field("arguments") if definition is not None else None
    if definition is None or arguments is None:
        return
    for node in _reached(definition, arguments):
        if _mentions_target(node):
            continue
        for each in strings_in(node):
            if _TOOL.fullmatch(str(each.value)):
                message = tr(
                    "`{flag}' is not that of a cross build, whose `target' phases get", flag=each.value
                )
                yield Finding(message, definition.source.place(each), "arguments")


def _reached(definition: Definition, arguments: ast.expr) -> Iterator[ast.AST]:
    """The arguments, and what the module defines of the names in them, each once."""
    known: dict[str, ast.stmt] = {}
    for statement in definition.source.tree.body:
        if isinstance(statement, ast.FunctionDef):
            known[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            known.update(
                (target.id, statement) for target in statement.targets if isinstance(target, ast.Name)
            )
    todo: list[ast.AST] = [arguments]
    while todo:
        node = todo.pop()
        yield node
        for each in ast.walk(node):
            found = known.pop(each.id, None) if isinstance(each, ast.Name) else None
            if found is not None and definition.call not in ast.walk(found):
                todo.append(found)


def _mentions_target(node: ast.AST) -> bool:
    """Whether a function takes the target, and so may well know what it does."""
    return isinstance(node, ast.FunctionDef) and any(
        each.arg == "target" for each in (*node.args.args, *node.args.kwonlyargs)
    )
