"""Archives that servers make anew whenever they are asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The source is a release and not an archive generated on demand"
NEEDS_NETWORK = False

_GENERATED = re.compile(
    r"https?://(?:www\.)?github\.com/[^/]+/[^/]+/archive/|https?://codeload\.github\.com/|"
    r"https?://gitlab\.[^/]+/.+/-/archive/|https?://bitbucket\.org/[^/]+/[^/]+/get/"
)


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    for uri in origin.uri if origin is not None else ():
        if _GENERATED.match(uri):
            yield subject.found_in_origin(
                "uri", tr("{uri} is generated on demand and may change; use a release", uri=uri)
            )
