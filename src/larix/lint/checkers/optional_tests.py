"""Tests that are switched off."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from larix.lint.subject import Finding, Subject
from larix.packages.definition import Definition
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "argument_values", "check"]

DESCRIPTION = "Tests run, or a comment gives the reason why they do not"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    definition = subject.definition
    if definition is None:
        return
    for key, value in argument_values(definition):
        if key == "tests" and isinstance(value, ast.Constant) and value.value is False:
            off: Sequence[ast.expr] = [value]
        else:
            off = _phases_without_check(subject, value) if key == "phases" else []
        for node in off:
            if not _has_reason(definition, node):
                yield Finding(
                    tr("tests are disabled without a comment that gives the reason"),
                    definition.source.place(node),
                )


def _phases_without_check(subject: Subject, value: ast.expr) -> list[ast.expr]:
    """Where the phase is deleted and not put elsewhere, or replaced by a function that does nothing."""
    phases: Any = subject.package.arguments.get("phases")
    found: list[ast.expr] = []
    for call in ast.walk(value):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        named = [each for each in call.args if isinstance(each, ast.Constant) and each.value == "check"]
        if not named:
            continue
        is_deleted = call.func.attr == "delete" and "check" not in phases
        if is_deleted or (call.func.attr == "replace" and _does_nothing(subject, call.args[-1])):
            found.append(named[0])
    return found


def _does_nothing(subject: Subject, function: ast.expr) -> bool:
    """Whether it is a function of the file without any statement; a docstring would give the reason."""
    definition = subject.definition
    if isinstance(function, ast.Lambda):
        return isinstance(function.body, ast.Constant)
    if definition is None or not isinstance(function, ast.Name):
        return False
    bodies = [
        each.body
        for each in definition.source.tree.body
        if isinstance(each, ast.FunctionDef) and each.name == function.id
    ]
    return bool(bodies) and all(
        isinstance(each, ast.Pass)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and each.value.value is ...)
        for each in bodies[-1]
    )


def argument_values(definition: Definition) -> Iterator[tuple[object, ast.expr]]:
    """The arguments of the build system as they are written, by name."""
    arguments = definition.field("arguments")
    if arguments is None:
        return
    body = arguments.body if isinstance(arguments, ast.Lambda) else arguments
    if isinstance(body, ast.Dict):
        for key, value in zip(body.keys, body.values, strict=True):
            if isinstance(key, ast.Constant):
                yield key.value, value
    elif isinstance(body, ast.Call):
        for keyword in body.keywords:
            yield keyword.arg, keyword.value


def _has_reason(definition: Definition, value: ast.expr) -> bool:
    """Beside or above the argument, all arguments, or the whole definition."""
    arguments = definition.field("arguments")
    places = [value, definition.call, *([] if arguments is None else [arguments])]
    return any(definition.reason_near(place) for place in places)
