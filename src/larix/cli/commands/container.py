"""`larix container exec PID PROGRAM [ARG...]`: a program in the container of a process."""

from __future__ import annotations

from larix.cli.options import Grammar, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "plumbing"
SYNOPSIS = "run a program in a container that is there"

GRAMMAR = Grammar(
    "container",
    "container exec PID PROGRAM [ARG]...",
    "Run PROGRAM with ARGs in the name spaces of process PID, and with its environment.",
    (),
    command_after_operand=True,
)


class ProcessFailed(LarixError):
    """The program in the container ended with something else than success."""


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    words = [*line.operands, *(line.program or ())]
    if not words:
        raise UsageError(tr("missing argument: no action specified"), hint=tr("the one there is: exec"))
    action, *words = words
    if action != "exec":
        raise UsageError(tr("{action}: unknown action", action=action), hint=tr("the one there is: exec"))
    if not words:
        raise UsageError(tr("no pid specified"))
    pid, *command = words
    if not (pid.isascii() and pid.isdigit()) or len(pid) > 9:
        raise UsageError(tr("{pid}: invalid process id", pid=pid))
    if not command:
        raise UsageError(tr("no command specified"))
    from larix.containers.joining import join

    status = join(int(pid), command)
    if status:
        raise ProcessFailed(tr("process exited with status {status}", status=status))
    return 0
