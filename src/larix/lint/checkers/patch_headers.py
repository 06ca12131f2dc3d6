"""What patches say of themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from larix.errors import Location
from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Patches begin with a few words on where they come from and why"
NEEDS_NETWORK = False

_CHANGES = re.compile(r"^(?:diff |--- |Index: |\*\*\* |@@ )", re.MULTILINE)


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    if origin is None:
        return
    folder = os.path.dirname(os.path.abspath(origin.location.file))
    for patch in origin.patches:
        file = os.path.join(folder, patch) if isinstance(patch, str | Path) else ""
        if not os.path.isfile(file):
            continue
        with open(file, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        name = os.path.basename(file)
        begins = _CHANGES.search(text)
        if begins is None:
            yield Finding(tr("{name}: this patch changes nothing", name=name), Location(file, 1))
        elif not text[: begins.start()].strip():
            yield Finding(
                tr("{name}: patch lacks a comment on where it comes from and why", name=name),
                Location(file, 1),
            )
