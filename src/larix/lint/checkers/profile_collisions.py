"""Packages that could not be installed."""

from __future__ import annotations

from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.packages.bag import package_of, with_propagated
from larix.packages.package import Package
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "What is propagated does not collide in a profile"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    known: dict[str, Package] = {subject.package.name: subject.package}
    for each in with_propagated(subject.package.propagated_inputs):
        package = package_of(each.value)
        if package is None:
            continue
        other = known.setdefault(package.name, package)
        if other.version != package.version:
            yield subject.found(
                "propagated_inputs",
                tr(
                    "propagated inputs {one} and {other} collide in a profile",
                    one=other.full_name,
                    other=package.full_name,
                ),
            )
