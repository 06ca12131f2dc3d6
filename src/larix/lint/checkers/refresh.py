"""Newer releases."""

from __future__ import annotations

from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.upstream.updating import newest_release
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Upstream has nothing newer"
NEEDS_NETWORK = True


def check(subject: Subject) -> Iterator[Finding]:
    found = newest_release(subject.package, subject.web)
    if found is not None and found.is_newer:
        yield subject.found("version", tr("can be upgraded to {version}", version=found.release.version))
