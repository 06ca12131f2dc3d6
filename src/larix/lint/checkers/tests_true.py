"""Tests that are switched on, which they are anyway."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from larix.lint.checkers.optional_tests import argument_values
from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Tests are not switched on needlessly"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    definition = subject.definition
    if definition is None:
        return
    for key, value in argument_values(definition):
        if key == "tests" and isinstance(value, ast.Constant) and value.value is True:
            yield Finding(tr("tests run by default: `tests' need not be set"), definition.source.place(value))
