"""Licences."""

from __future__ import annotations

from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.packages import licenses
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The licence is told, and each one once"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    given = subject.package.license
    if not given:
        yield subject.found("license", tr("license should not be empty"))
    for each in dict.fromkeys(each for each in given if given.count(each) > 1):
        yield subject.found("license", tr("license `{licence}' is listed more than once", licence=each.name))
    for each in given:
        if each.name == licenses.non_copyleft.name and not (each.uri or each.comment):
            yield subject.found(
                "license", tr("`non_copyleft' needs a URI or a comment that tells where its text is")
            )
