"""Whether packages can be lowered."""

from __future__ import annotations

from collections.abc import Iterator

from larix.errors import LarixError
from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The package can be turned into a derivation"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    try:
        subject.lower(subject.package)
    except LarixError as error:
        first = error.message.partition("\n")[0]
        yield Finding(
            tr("failed to create a derivation: {first}", first=first), error.place or subject.package.location
        )
