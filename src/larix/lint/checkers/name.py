"""Names that can be typed and guessed."""

from __future__ import annotations

from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The name is in lower case, with hyphens, and more than one character"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    name = subject.package.name
    if "_" in name:
        yield subject.found("name", tr("name should use hyphens instead of underscores"))
    if name != name.lower():
        yield subject.found("name", tr("name should be in lower case"))
    if len(name) < 2:
        yield subject.found("name", tr("name should be longer than a single character"))
