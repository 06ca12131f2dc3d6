"""Wrappers whose shell is whatever the build has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from larix.errors import Location
from larix.lint.subject import Finding, Subject
from larix.packages.bag import package_of
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Programs are wrapped with a shell that is among the inputs"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    """Of the package's own phases, those that call `wrap_program` where neither they nor inputs give a shell.

    The wrapper would be run by the shell of the toolchain, and the package keep all of that alive.
    """
    definition = subject.definition
    phases: Any = subject.package.arguments.get("phases")
    inputs = subject.inputs()
    used = [package_of(each.value) for each in (*inputs["inputs"], *inputs["propagated_inputs"])]
    if definition is None or phases is None or any(each is not None and each.name == "bash" for each in used):
        return
    names = {getattr(function, "__name__", "") for _, function in phases.pairs}
    for function in definition.source.tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in names:
            for call in _calls_without_shell(function):
                place = Location(definition.source.file, call.lineno, call.col_offset + 1)
                yield Finding(tr("`bash' should be among the inputs when `wrap_program' is used"), place)


def _calls_without_shell(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for each in ast.walk(function):
        if isinstance(each, ast.Call) and "shell" not in [keyword.arg for keyword in each.keywords]:
            called = each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "")
            if called == "wrap_program":
                yield each
