"""Texts read without regard to their encoding, and searched as a stream."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import IO, TypeVar

from larix.buildside.file_errors import file_errors
from larix.buildside.patterns import compiled_pattern

__all__ = ["fold_matches", "open_as_bytes_text"]

T = TypeVar("T")


@file_errors("open_as_bytes_text")
def open_as_bytes_text(file: str | os.PathLike[str]) -> IO[str]:
    """A file to be read as text in which each byte is one character, so that nothing is ever undecodable."""
    return open(file, encoding="latin-1", newline="")


def fold_matches(
    function: Callable[[re.Match[str], T], T],
    initial: T,
    pattern: str | re.Pattern[str],
    stream: IO[str],
    *,
    unmatched: Callable[[str, T], T] | None = None,
) -> T:
    """Combine a value with each match of a pattern in a stream, from left to right.

    Matches do not reach over the end of a line. `unmatched` is called with the texts between them, where
    there are some.
    """
    compiled = compiled_pattern(pattern, "fold_matches")
    result = initial
    for line in stream:
        at = 0
        for match in compiled.finditer(line):
            if unmatched is not None and match.start() > at:
                result = unmatched(line[at : match.start()], result)
            result = function(match, result)
            at = match.end()
        if unmatched is not None and at < len(line):
            result = unmatched(line[at:], result)
    return result
