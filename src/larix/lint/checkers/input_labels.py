"""Labels of inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.packages.inputs import name_of
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Inputs have labels only where these are not their names"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    definition = subject.definition
    if definition is None:
        return
    for field, inputs in subject.inputs().items():
        value = definition.field(field)
        if isinstance(value, ast.Lambda):
            value = value.body
        labels = _labels(value) if value is not None else []
        for node in labels:
            given = next((each for each in inputs if each.label == node.value), None)
            if given is not None and name_of(given.value) == node.value:
                message = tr("label `{label}' is the name of the input and can go", label=node.value)
                yield Finding(message, definition.source.place(node), field)


def _labels(value: ast.expr) -> list[ast.Constant]:
    """Those that are written out, in pairs or as the keys of a mapping."""
    found: list[ast.expr | None] = []
    if isinstance(value, ast.Dict):
        found += value.keys
    elif isinstance(value, ast.List | ast.Tuple):
        found += [each.elts[0] for each in value.elts if isinstance(each, ast.Tuple) and len(each.elts) == 2]
    return [each for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str)]
