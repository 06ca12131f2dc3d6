"""The layout of the text."""

from __future__ import annotations

from collections.abc import Iterator

from larix.errors import Location
from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Lines are not too long, and free of tabs and of spaces at their end"
NEEDS_NETWORK = False
LONGEST = 110


def check(subject: Subject) -> Iterator[Finding]:
    definition = subject.definition
    if definition is None:
        return
    source = definition.source
    for number in definition.lines():
        line = source.lines[number - 1]
        if "\t" in line:
            yield Finding(tr("tabulation on this line"), Location(source.file, number, line.index("\t") + 1))
        if line != line.rstrip():
            place = Location(source.file, number, len(line.rstrip()) + 1)
            yield Finding(tr("trailing white space on this line"), place)
        if len(line) > LONGEST:
            yield Finding(
                tr("line {number} is too long ({count} characters)", number=number, count=len(line)),
                Location(source.file, number, LONGEST),
            )
