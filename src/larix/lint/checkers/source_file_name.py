"""Names of source files in the store."""

from __future__ import annotations

import re
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The source has a name that tells what it is the source of"
NEEDS_NETWORK = False

_SAYS_NOTHING = re.compile(
    r"v?[0-9][0-9A-Za-z._-]*|"
    r"(?:master|main|trunk|head|latest|source|archive|download)(?:\.[a-z0-9.]+)?",
    re.IGNORECASE,
)


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    if origin is not None and _SAYS_NOTHING.fullmatch(origin.name):
        yield subject.found_in_origin(
            "file_name",
            tr(
                "the source file name `{origin}' should contain the package name; give `file_name'",
                origin=origin.name,
            ),
        )
