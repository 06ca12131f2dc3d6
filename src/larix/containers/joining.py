"""Entering the name spaces of a process that runs in a container, and starting a program there."""

from __future__ import annotations

import _socket
import os
import signal

from larix.builder.sandbox import privileges
from larix.builder.sandbox import syscalls as sys_
from larix.builder.sandbox.filter import container_filter
from larix.containers.errors import CannotJoin, cannot_start
from larix.containers.running import (
    WATCHED,
    attend,
    become,
    close_others,
    end_with,
    exit_code,
    message_on,
    take_back,
    watched_terminal,
)
from larix.words import tr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["join"]

# The user name space first: with it come the rights to enter the others.
_KINDS = ("user", "mnt", "ipc", "uts", "net", "cgroup", "pid")


def join(pid: int, command: Sequence[str]) -> int:
    """Run `command` beside process `pid`, with its environment and in its directory; the exit code."""
    spaces = _open_spaces(pid)
    environment = _environment(pid)
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    terminal = watched_terminal()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        keeper = os.fork()
        if keeper == 0:
            ours.close()
            end_with(
                lambda: _enter(pid, spaces, lambda: _start(command, environment, before), theirs), theirs
            )
        theirs.close()
        for _, descriptor in spaces:
            os.close(descriptor)
        message = message_on(ours)
        if message is not None:
            os.waitpid(keeper, 0)
            if message.kind == "exec":
                raise cannot_start(message.step, message.number)
            raise CannotJoin(
                tr(
                    "cannot join process {pid}: {step}: {reason}",
                    pid=pid,
                    step=message.step,
                    reason=os.strerror(message.number),
                )
            )
        return exit_code(attend(keeper))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if terminal is not None:
            take_back(terminal)


def _open_spaces(pid: int) -> list[tuple[str, int]]:
    """The name spaces of the process that are not this one's already."""
    spaces: list[tuple[str, int]] = []
    try:
        for kind in _KINDS:
            file = f"/proc/{pid}/ns/{kind}"
            if os.readlink(file) != os.readlink(f"/proc/self/ns/{kind}"):
                spaces.append((kind, os.open(file, os.O_RDONLY | os.O_CLOEXEC)))
    except OSError as error:
        raise _not_seen(pid, error) from error
    if not any(kind == "mnt" for kind, _ in spaces):
        raise CannotJoin(tr("process {pid} is in no container", pid=pid))
    return spaces


def _not_seen(pid: int, error: OSError) -> CannotJoin:
    if not os.path.exists(f"/proc/{pid}"):
        return CannotJoin(tr("no such process {pid}", pid=pid))
    return CannotJoin(
        tr("cannot look at process {pid}: {reason}", pid=pid, reason=error.strerror),
        hint=tr("name a process of your own that runs in the container, such as its shell"),
    )


def _environment(pid: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            listed = os.fsdecode(file.read()).split("\0")
    except OSError as error:
        raise _not_seen(pid, error) from error
    return dict(each.split("=", 1) for each in listed if "=" in each)


def _enter(
    pid: int,
    spaces: Sequence[tuple[str, int]],
    start: Callable[[], int],
    channel: _socket.socket,
) -> int:
    """Enter, give up all rights as the container's own processes have, and start the program."""
    directory = os.open(f"/proc/{pid}/cwd", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    close_others({channel.fileno(), directory, *(descriptor for _, descriptor in spaces)})
    sys_.prctl(sys_.PR_SET_DUMPABLE, 0, "PR_SET_DUMPABLE")
    for kind, descriptor in spaces:
        sys_.set_namespace(descriptor, kind)
        os.close(descriptor)
    os.fchdir(directory)
    os.close(directory)
    privileges.renounce()
    sys_.install_filter(container_filter(os.uname().machine))
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL, "PR_SET_PDEATHSIG")
    program = os.fork()  # the first process that is in the other process name space
    if program == 0:
        end_with(start, channel)
    channel.close()
    return exit_code(attend(program))


def _start(command: Sequence[str], environment: dict[str, str], mask: Iterable[int]) -> int:
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    become(command, environment)
