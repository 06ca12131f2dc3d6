"""Descriptions: what somebody reads who wonders whether the package is of use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The description is plain text in whole sentences"
NEEDS_NETWORK = False

_PRAISE = re.compile(
    r"\b(world[- ]class|industry[- ]leading|leading|best[- ]in[- ]class|blazing(ly)?)\b", re.IGNORECASE
)


def check(subject: Subject) -> Iterator[Finding]:
    package = subject.package
    for message in problems(package.description, subject.upstream_name, package.synopsis):
        yield subject.found("description", message)


def problems(description: str, name: str, synopsis: str) -> Iterator[str]:
    text = description.strip()
    if not text:
        yield tr("description should not be empty")
        return
    if text != description:
        yield tr("description should not begin or end with white space")
    if text.rstrip(".") == synopsis.strip():
        yield tr("description should say more than the synopsis")
    starts_with_name = text.lower().startswith(name.lower())
    if text[0].islower() and not starts_with_name:
        yield tr("description should start with an upper-case letter, a digit or the package name")
    if not re.search(r"[.!?:)`]$", text):
        yield tr("description should end with a period")
    mark = re.search("[™®©]|\\((?:tm|r|c)\\)", text, re.IGNORECASE)
    if mark:
        yield tr("description should not contain the trademark sign `{mark}'", mark=mark[0])
    if "\t" in text or re.search(r"[^\n] {3,}", text):
        yield tr("description should not be laid out with tabs or runs of spaces")
    praise = _PRAISE.search(text)
    if praise:
        yield tr("description should describe, not praise: `{praise}'", praise=praise[0])
    if re.search(r"<[a-z]+( [^>]*)?>|@\w+\{", text):
        yield tr("description should be plain text, without markup")
