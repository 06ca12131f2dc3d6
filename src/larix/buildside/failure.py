"""The one error of the builder stratum, and how a failed build ends its log."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from traceback import FrameSummary
    from types import TracebackType

__all__ = ["BuildSideError", "cause_of", "show_failure"]

RUNNERS = (
    "<module>",
    "run_phases",
    "run_builder",
    "patch_and_pack",
    "patch_source",
    "make_wrapped_compilers",
)
STANDARD_LIBRARY = f"{os.path.dirname(os.__file__)}/"


class BuildSideError(Exception):
    """Ends the build; the text stands in the log: it names the file, the cause, what was looked for."""


def cause_of(error: OSError) -> str:
    """An error of the system in one line: the files, where they are looked for, and what is wrong."""
    given: list[object] = [each for each in (error.filename, error.filename2) if each is not None]
    if not given:
        return f"{type(error).__name__}: {error}"
    names = [os.fsdecode(each) if isinstance(each, bytes) else str(each) for each in given]
    where = "" if all(map(os.path.isabs, names)) else f", in {_current_directory()}"
    return f"{' -> '.join(f'`{name}`' for name in names)}{where}: {error.strerror}"


def show_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What `sys.excepthook` is in builds: the cause comes last and is short.

    Of a `BuildSideError` only the lines of the package's own functions are shown: where the helpers raised it
    is of no interest, and the output of the program that failed should stay in sight. So it is with an error
    of the system that such a function met. Of others all is shown.
    """
    frames = _own_frames(trace) if isinstance(error, (BuildSideError, OSError)) else []
    if isinstance(error, BuildSideError):
        cause = str(error)
    elif isinstance(error, OSError) and frames:
        cause = cause_of(error)
    else:
        sys.__excepthook__(kind, error, trace)
        return
    import traceback

    lines = [line.rstrip("\n") for line in traceback.format_list(frames)]
    notes: list[str] = getattr(error, "__notes__", [])
    print(*lines, *notes, f"error: {cause}", sep="\n", file=sys.stderr, flush=True)


def _own_frames(trace: TracebackType | None) -> list[FrameSummary]:
    import traceback

    return [
        frame
        for frame in traceback.extract_tb(trace)
        if "/larix/buildside/" not in frame.filename
        and not frame.filename.startswith((STANDARD_LIBRARY, "<frozen "))
        and frame.name not in RUNNERS
    ]


def _current_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "a directory that is gone"
