"""Synopses: what a list of packages shows beside the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The synopsis is one short phrase that says what the package is"
NEEDS_NETWORK = False
LONGEST = 80


def check(subject: Subject) -> Iterator[Finding]:
    for message in problems(subject.package.synopsis, subject.upstream_name):
        yield subject.found("synopsis", message)


def problems(synopsis: str, name: str) -> Iterator[str]:
    if not synopsis.strip():
        yield tr("synopsis should not be empty")
        return
    if synopsis != " ".join(synopsis.split()):
        yield tr("synopsis should be one line without stray white space")
    words = synopsis.split()
    if words[-1].endswith(".") and not re.search(r"(\.\.|\betc|\be\.g)\.$", words[-1]):
        yield tr("no period allowed at the end of the synopsis")
    if words[0].lower() in {"a", "an", "the"} and len(words) > 1:
        yield tr("no article allowed at the beginning of the synopsis")
    if len(synopsis) > LONGEST:
        yield tr("synopsis should be at most {longest} characters long", longest=LONGEST)
    first = words[0].rstrip(",:;")
    if first.lower() == name.lower():
        yield tr("synopsis should not start with the package name")
    elif first[0].islower() and not any(each.isupper() or each.isdigit() for each in first):
        yield tr("synopsis should start with an upper-case letter or digit")
