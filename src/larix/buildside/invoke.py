"""Running programs in a build."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["InvokeError", "capture", "invoke", "invoke_quietly"]


class InvokeError(BuildSideError):
    """A program could not be started, or ended otherwise than with status 0.

    `output` is what it wrote, if that was not for the log.
    """

    def __init__(self, arguments: Sequence[str], status: int | None, cause: str, output: bytes = b"") -> None:
        super().__init__(f"`{shlex.join(arguments)}` {cause}")
        self.arguments = tuple(arguments)
        self.status = status
        self.output = output


def invoke(
    program: str | os.PathLike[str],
    *arguments: str | os.PathLike[str],
    directory: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run to the end, with nothing to read; the output goes to the log. `environment` is added to our own."""
    command = _words(program, arguments)
    print(f"+ {shlex.join(command)}", flush=True)
    _check(command, _run(command, directory, environment, capture_output=False))


def invoke_quietly(
    program: str | os.PathLike[str],
    *arguments: str | os.PathLike[str],
    directory: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """As `invoke`, but the log gets the program and its output only when it fails."""
    command = _words(program, arguments)
    done = _run(command, directory, environment, capture_output=True)
    if done.returncode:
        print(f"+ {shlex.join(command)}", flush=True)
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
    _check(command, done)


def capture(
    program: str | os.PathLike[str],
    *arguments: str | os.PathLike[str],
    directory: str | os.PathLike[str] | None = None,
) -> str:
    """What the program wrote on its standard output; undecodable bytes survive as surrogates."""
    command = _words(program, arguments)
    done = _run(command, directory, None, capture_output=True, merge=False)
    _check(command, done)
    return os.fsdecode(done.stdout)


def _words(program: str | os.PathLike[str], arguments: Sequence[str | os.PathLike[str]]) -> list[str]:
    return [os.fspath(word) for word in (program, *arguments)]


def _run(
    command: list[str],
    directory: str | os.PathLike[str] | None,
    environment: Mapping[str, str] | None,
    *,
    capture_output: bool,
    merge: bool = True,
) -> subprocess.CompletedProcess[bytes]:
    sys.stdout.flush()
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture_output else None,
            stderr=subprocess.STDOUT if capture_output and merge else None,
            cwd=directory,
            env={**os.environ, **environment} if environment else None,
            check=False,
        )
    except FileNotFoundError as error:
        if directory is not None and not os.path.isdir(directory):
            cause = f"was to run in `{os.fspath(directory)}`, which is no directory"
        elif "/" in command[0] and os.path.exists(command[0]):
            cause = "cannot start: its interpreter (the `#!` line or the dynamic loader) does not exist here"
        elif "/" in command[0]:
            cause = "does not exist"
        else:
            cause = f"is not in PATH ({os.environ.get('PATH', '')})"
        raise InvokeError(command, None, cause) from error
    except (PermissionError, OSError) as error:
        raise InvokeError(command, None, f"cannot start: {error.strerror}") from error


def _check(command: list[str], done: subprocess.CompletedProcess[bytes]) -> None:
    status = done.returncode
    if status == 0:
        return
    cause = f"ended with status {status}"
    if status < 0:
        cause = f"was ended by signal {-status} ({signal.Signals(-status).name})"
    raise InvokeError(command, status, cause, done.stdout or b"")
