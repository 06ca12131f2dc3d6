"""What became of programs that failed, in words and numbers."""

from __future__ import annotations

import shlex
import signal
import sys
from typing import IO

from larix.buildside.invoke import InvokeError

__all__ = ["ending_signal", "exit_status", "report_invoke_error"]


def exit_status(error: InvokeError) -> int | None:
    """The number that the program ended with, if it ended by itself."""
    return error.status if error.status is not None and error.status >= 0 else None


def ending_signal(error: InvokeError) -> signal.Signals | None:
    """The signal that ended the program, if one did; a program that is only stopped is waited for."""
    return signal.Signals(-error.status) if error.status is not None and error.status < 0 else None


def report_invoke_error(error: InvokeError, stream: IO[str] | None = None) -> None:
    """Tell of a failure that is not to end the build: the program, its arguments, how it ended."""
    print(f"program: {error.arguments[0]}", file=stream or sys.stdout)
    print(f"arguments: {shlex.join(error.arguments[1:])}", file=stream or sys.stdout)
    if (found := ending_signal(error)) is not None:
        print(f"signal: {found.value} ({found.name})", file=stream or sys.stdout)
    elif (status := exit_status(error)) is not None:
        print(f"status: {status}", file=stream or sys.stdout)
    else:
        print(f"not started: {error}", file=stream or sys.stdout, flush=True)
