"""Inputs that are named twice, or that are there anyway."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.packages.bag import package_of
from larix.packages.inputs import Input, Output
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "No input is named twice, or although another propagates it"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    inputs = subject.inputs()
    propagated = {_key(each): each for each in inputs["propagated_inputs"]}
    for each in inputs["inputs"]:
        if _key(each) in propagated:
            yield subject.found(
                "inputs", tr("`{label}' is among the propagated inputs already", label=each.label)
            )
    by_others: dict[object, str] = {}
    for each in (*inputs["inputs"], *inputs["propagated_inputs"]):
        package = package_of(each.value)
        if package is not None:
            for one in package.propagated_inputs:
                by_others.setdefault(_key(one), each.label)
    for each in inputs["inputs"]:
        if by_others.get(_key(each), each.label) != each.label:
            yield subject.found(
                "inputs",
                tr(
                    "`{label}' is propagated by `{by_others}' already",
                    label=each.label,
                    by_others=by_others[_key(each)],
                ),
            )
    for field in inputs:
        yield from _written_twice(subject, field)


def _key(each: Input) -> object:
    if isinstance(each.value, Output):
        return id(each.value.package), each.value.name
    package = package_of(each.value)
    return (id(package), package.main_output) if package is not None else id(each.value)


def _written_twice(subject: Subject, field: str) -> Iterator[Finding]:
    """The record drops what is listed twice; only the text still tells."""
    definition = subject.definition
    value = definition.field(field) if definition is not None else None
    if definition is None or value is None:
        return
    listed = value.body if isinstance(value, ast.Lambda) else value
    if not isinstance(listed, ast.List | ast.Tuple):
        return
    seen: set[str] = set()
    for each in listed.elts:
        text = ast.dump(each)
        if text in seen:
            yield Finding(
                tr("`{name}' is listed twice", name=ast.unparse(each)), definition.source.place(each)
            )
        seen.add(text)
