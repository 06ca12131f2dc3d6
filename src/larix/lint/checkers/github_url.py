"""Repositories that have moved on GitHub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import cast

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Addresses on GitHub are those that the repository has now"
NEEDS_NETWORK = True

_REPOSITORY = re.compile(r"https://github\.com/([^/]+/[^/]+)/")


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    matches = [_REPOSITORY.match(uri) for uri in (origin.uri if origin is not None else ())]
    for name in dict.fromkeys(match[1] for match in matches if match is not None):
        page = subject.web.page(f"{subject.web.github}/repos/{name}", accept="application/vnd.github+json")
        try:
            answer: object = json.loads(page.data)
        except ValueError:
            continue
        fields = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
        now = fields.get("full_name")
        if isinstance(now, str) and now.lower() != name.removesuffix(".git").lower():
            yield subject.found_in_origin("uri", tr("repository {name} is {now} now", name=name, now=now))
