"""Tests that are switched off."""

from __future__ import annotations

import ast
from collections.abc import Iterator

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
        is_off = key == "tests" and isinstance(value, ast.Constant) and value.value is False
        if is_off and not _has_reason(definition, value):
            yield Finding(
                tr("tests are disabled without a comment that gives the reason"),
                definition.source.place(value),
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
