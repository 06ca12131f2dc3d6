"""What build systems bring along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from larix.lint.subject import Finding, Subject
from larix.packages.bag import package_of
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "What the build system adds by itself is no input"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    package = subject.package
    if not package.arguments.get("implicit_inputs", True):
        return
    system: object = package.build_system
    tools = {
        name
        for attribute in ("native_tools", "ordinary_tools")
        for name in cast("tuple[str, ...]", getattr(system, attribute, ()))
    }
    for field, inputs in subject.inputs().items():
        for each in inputs:
            needed = package_of(each.value)
            if needed is not None and needed.name in tools and each.label == needed.name:
                yield subject.found(
                    field,
                    tr(
                        "`{name}' need not be an input: build system `{system}' adds it",
                        name=needed.name,
                        system=package.build_system.name,
                    ),
                )
