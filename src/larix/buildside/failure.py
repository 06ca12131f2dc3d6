"""The one error of the builder stratum, and how a failed build ends its log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["BuildSideError", "show_failure"]

RUNNERS = ("<module>", "run_phases", "run_builder")


class BuildSideError(Exception):
    """Ends the build; the text stands in the log: it names the file, the cause, what was looked for."""


def show_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What `sys.excepthook` is in builds: the cause comes last and is short.

    Of a `BuildSideError` only the lines of the package's own functions are shown: where the helpers raised it
    is of no interest, and the output of the program that failed should stay in sight. Of others all is shown.
    """
    if not isinstance(error, BuildSideError):
        sys.__excepthook__(kind, error, trace)
        return
    import traceback

    frames = [
        frame
        for frame in traceback.extract_tb(trace)
        if "/larix/buildside/" not in frame.filename and frame.name not in RUNNERS
    ]
    lines = [line.rstrip("\n") for line in traceback.format_list(frames)]
    notes: list[str] = getattr(error, "__notes__", [])
    print(*lines, *notes, f"error: {error}", sep="\n", file=sys.stderr, flush=True)
