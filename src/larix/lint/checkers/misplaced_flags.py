"""Flags of other tools than those that get them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

from larix.lint.subject import Finding, Subject
from larix.words import mark, tr

__all__ = ["DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Flags are given to the tools that know them"
NEEDS_NETWORK = False

_OF_CONFIGURE = r"--(enable|disable|with|without)-\w.*"
_OF_OTHERS = r"-D\w+(:\w+)?=.*"
# For the argument of a build system, flags that are wrong there, and what they are.
_RULES = (
    ("gnu", "configure_flags", _OF_OTHERS, mark("a flag of CMake or Meson")),
    ("cmake", "configure_flags", _OF_CONFIGURE, mark("a flag of configure scripts")),
    ("meson", "configure_flags", _OF_CONFIGURE, mark("a flag of configure scripts")),
    ("", "make_flags", _OF_CONFIGURE, mark("a flag of configure scripts")),
)


def check(subject: Subject) -> Iterator[Finding]:
    package = subject.package
    for system, argument, pattern, kind in _RULES:
        flags: object = package.arguments.get(argument)
        if system not in {"", package.build_system.name} or not isinstance(flags, list | tuple):
            continue
        for flag in cast("Sequence[object]", flags):
            if isinstance(flag, str) and re.fullmatch(pattern, flag):
                yield subject.found(
                    "arguments",
                    tr("`{flag}' in `{argument}' is {kind}", flag=flag, argument=argument, kind=tr(kind)),
                )
