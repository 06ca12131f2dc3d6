"""Regular expressions that packagers write."""

from __future__ import annotations

import re

from larix.buildside.failure import BuildSideError

__all__ = ["compiled_pattern"]


def compiled_pattern(pattern: str | re.Pattern[str], function: str, file: str = "") -> re.Pattern[str]:
    """Compile; what is no pattern is an error that names it, the function, and the file it is for."""
    try:
        return re.compile(pattern)
    except re.error as error:
        place = f", for `{file}`," if file else ""
        raise BuildSideError(f"{function}: /{pattern}/{place} is no regular expression: {error}") from error
