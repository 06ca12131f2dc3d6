"""Home pages, and whether they answer."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "The home page is told, and can be reached"
NEEDS_NETWORK = True


def check(subject: Subject) -> Iterator[Finding]:
    page = subject.package.home_page
    if not page:
        yield subject.found("home_page", tr("home page should not be empty"))
        return
    parts = urlsplit(page)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        yield subject.found("home_page", tr("invalid value for home page: `{page}'", page=page))
        return
    answer = subject.web.probe(page)
    if answer.problem:
        yield subject.found(
            "home_page", tr("URI {page} not reachable: {problem}", page=page, problem=answer.problem)
        )
    elif answer.url != page:
        yield subject.found(
            "home_page", tr("permanent redirect from {page} to {url}", page=page, url=answer.url)
        )
