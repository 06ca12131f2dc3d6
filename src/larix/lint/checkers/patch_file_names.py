"""Names of patches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from larix.lint.subject import Finding, Subject
from larix.words import tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Patches exist, and their names begin with the package's"
NEEDS_NETWORK = False
LONGEST = 99  # what old archives of larix's own source could hold


def check(subject: Subject) -> Iterator[Finding]:
    origin = subject.origin
    if origin is None:
        return
    folder = os.path.dirname(os.path.abspath(origin.location.file))
    for patch in origin.patches:
        if not isinstance(patch, str | Path):
            continue
        file = os.path.basename(patch)
        if not os.path.isfile(os.path.join(folder, patch)):
            yield subject.found_in_origin("patches", tr("{file}: patch not found", file=file))
        if not file.startswith(subject.package.name):
            yield subject.found_in_origin(
                "patches",
                tr("{file}: file name of a patch should start with the package name", file=file),
            )
        if not file.endswith((".patch", ".diff")):
            yield subject.found_in_origin(
                "patches", tr("{file}: file name of a patch should end in `.patch'", file=file)
            )
        if len(file) > LONGEST:
            yield subject.found_in_origin("patches", tr("{file}: file name is too long", file=file))
