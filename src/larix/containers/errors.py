"""What stands in the way of a container."""

from __future__ import annotations

import errno
import os

from larix.builder.sandbox.unavailable import explain
from larix.errors import LarixError
from larix.words import tr

__all__ = [
    "CannotJoin",
    "CannotStart",
    "CommandNotFound",
    "ContainerUnavailable",
    "NoInterpreter",
    "cannot_start",
]


class ContainerUnavailable(LarixError):
    """A step in making the container failed; nothing was run."""

    def __init__(self, step: str, number: int, detail: str = "") -> None:
        cause, hint = explain(step, number)
        failed = f"{step} ({detail})" if detail else step
        name = errno.errorcode.get(number, str(number))
        message = tr(
            "cannot create container: {failed}: {reason} ({name})",
            failed=failed,
            reason=os.strerror(number),
            name=name,
        )
        super().__init__(f"{message}; {cause}" if cause else message, hint=hint)
        self.step = step
        self.number = number
        self.detail = detail


class CannotStart(LarixError):
    """There is a container, but the program cannot run in it; the exit code is the shells' for that."""

    exit_code = 126

    def __init__(self, program: str, number: int) -> None:
        super().__init__(f"{program}: {self._words(number)}")
        self.program = program
        self.number = number

    def _words(self, number: int) -> str:
        return os.strerror(number)


class CommandNotFound(CannotStart):
    """No such program is in the container."""

    exit_code = 127

    def _words(self, number: int) -> str:
        del number
        return tr("command not found")


class NoInterpreter(CannotStart):
    """The program is there; what should load it, or read it as a script, is not."""

    exit_code = 127

    def __init__(self, program: str, number: int) -> None:
        super().__init__(program, number)
        self.hint = tr("what is made for other systems may run with `--emulate-fhs'")

    def _words(self, number: int) -> str:
        del number
        return tr("its loader or interpreter is not in the container")


def cannot_start(program: str, number: int) -> CannotStart:
    """The error for what `execve` answered."""
    classes = {errno.ENOENT: CommandNotFound, errno.ELIBACC: NoInterpreter}
    return classes.get(number, CannotStart)(program, number)


class CannotJoin(LarixError):
    """The name spaces of a process could not be entered."""
