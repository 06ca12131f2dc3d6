"""Whether sources can still be had."""

from __future__ import annotations

from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The source can be reached under every URI"
NEEDS_NETWORK = True


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    if origin is None:
        return
    problems: dict[str, str] = {}
    for uri in origin.uri:
        problem = subject.web.reach(uri)
        if problem is not None:
            problems[uri] = problem
    if len(problems) == len(origin.uri):
        yield subject.found_in_origin("uri", tr("all the source URIs are unreachable"))
    for uri, problem in problems.items():
        yield subject.found_in_origin(
            "uri", tr("URI {uri} not reachable: {problem}", uri=uri, problem=problem)
        )
