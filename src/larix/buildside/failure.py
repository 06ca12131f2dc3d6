"""The one error of the builder stratum: a step of a build that cannot do what it was asked."""

from __future__ import annotations

__all__ = ["BuildSideError"]


class BuildSideError(Exception):
    """Ends the build; the text stands in the log, so it names the file, the cause and what was looked for."""
