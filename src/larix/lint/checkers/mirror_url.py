"""Addresses of single mirrors."""

from __future__ import annotations

from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.protocol.uris import MIRRORS
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Sites that have mirrors are named by `mirror://'"
NEEDS_NETWORK = False


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    for uri in origin.uri if origin is not None else ():
        for name, sites in MIRRORS.items():
            site = next((site for site in sites if uri.startswith(site) and len(sites) > 1), None)
            if site is not None:
                better = f"mirror://{name}/{uri.removeprefix(site)}"
                yield subject.found_in_origin("uri", tr("URI should be `{better}'", better=better))
                break
