"""Starting a program in a container, and being its stand-in outside until it ends.

    larix ──fork──► keeper ──fork──► first ──fork──► the program
                    ends at once     process 1 of    exec
                                     the container

The keeper is there because a process with threads cannot enter a user namespace; when it has ended, larix
is the parent of process 1. That one makes the room, gives up all rights, starts the program, passes signals
on and reaps; with its end the kernel ends whatever is left inside, and it ends when larix does, however that
comes.

Keys typed at the terminal reach the program from the kernel, for all processes are one job of the user's
shell. So of signals that come from the kernel larix takes no notice, and hands on those that somebody sent.
"""

from __future__ import annotations

import _socket
import errno
import marshal
import os
import select
import shutil
import signal
from typing import NamedTuple

from larix.builder.sandbox import privileges
from larix.builder.sandbox import room as isolation
from larix.builder.sandbox import syscalls as sys_
from larix.builder.sandbox.filter import container_filter
from larix.builder.sandbox.syscalls import SetupError
from larix.containers import room
from larix.containers.errors import CannotStart, ContainerUnavailable, cannot_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import NoReturn

    from larix.containers.shape import Container

__all__ = [
    "WATCHED",
    "Message",
    "attend",
    "become",
    "close_others",
    "end_with",
    "exit_code",
    "message_on",
    "run",
    "take_back",
    "watched_terminal",
]

_FROM_KERNEL = 0x80  # si_code of a signal that a key of the terminal, or its end, caused
_HANDED_ON = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)
WATCHED = _HANDED_ON | {signal.SIGCHLD}
_LINKS_OF_SCRIPTS = 5  # a script may name a script as its interpreter; the kernel follows as many


def run(container: Container, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `command` in a new container; the exit code as shells give it, 128+N after signal N.

    Standard input, output and error are the caller's; no other open file is there inside.
    """
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    terminal = watched_terminal()
    sys_.prctl(sys_.PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        keeper = os.fork()
        if keeper == 0:
            ours.close()
            end_with(lambda: _keep(container, command, environment, before, theirs), theirs)
        theirs.close()
        os.waitpid(keeper, 0)
        first = _await_first(ours)
        ours.send(b"g")
        _await_start(ours, first)
        return exit_code(attend(first))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if terminal is not None:
            take_back(terminal)


class Message(NamedTuple):
    """What a process on the way into a container tells: `first` and a process id, or what failed."""

    kind: str
    number: int
    step: str = "fork"
    detail: str = ""


def _await_first(channel: _socket.socket) -> int:
    message = message_on(channel)
    if message is None or message.kind != "first":
        _raise(message or Message("failed", errno.ECHILD))
    return message.number


def _await_start(channel: _socket.socket, first: int) -> None:
    """Return when the program runs, which closes the channel."""
    message = message_on(channel)
    if message is not None:
        os.waitpid(first, 0)
        _raise(message)


def message_on(channel: _socket.socket) -> Message | None:
    """The next message; None when the other end is closed, as the start of a program does."""
    packet = channel.recv(1 << 16)
    return Message(*marshal.loads(packet)) if packet else None  # noqa: S302 -- from our own child


def _raise(message: Message) -> NoReturn:
    if message.kind == "exec":
        raise cannot_start(message.step, message.number)
    detail = message.detail.removeprefix("/new").removeprefix("/old")
    raise ContainerUnavailable(message.step, message.number, detail)


def _report(channel: _socket.socket, *message: str | int) -> None:
    try:
        channel.send(marshal.dumps(message))
    except OSError:
        return  # nobody listens any more; the container ends for that reason


def end_with(function: Callable[[], int | None], channel: _socket.socket) -> NoReturn:
    """Run `function` and end this process whatever happens; what failed is told."""
    status = 1
    try:
        status = function() or 0
    except SetupError as error:
        _report(channel, "failed", error.errno or 0, error.step, error.detail)
    except CannotStart as error:
        _report(channel, "exec", error.number, error.program)
    except OSError as error:
        _report(channel, "failed", error.errno or 0, "preparing it", os.fsdecode(error.filename or ""))
    except BaseException as error:  # noqa: BLE001 -- nothing above this frame may run in a fork
        _report(channel, "failed", 0, f"{type(error).__name__}: {error}")
    os._exit(status)


def _keep(
    container: Container,
    command: Sequence[str],
    environment: Mapping[str, str],
    mask: Iterable[int],
    channel: _socket.socket,
) -> None:
    who = container.identity
    privileges.enter_user_namespace(
        sys_.CLONE_NEWPID, "user and process namespaces", inside=(who.uid, who.gid)
    )
    first = os.fork()
    if first == 0:
        end_with(lambda: _be_first(container, command, environment, mask, channel), channel)
    _report(channel, "first", first)


def _be_first(
    container: Container,
    command: Sequence[str],
    environment: Mapping[str, str],
    mask: Iterable[int],
    channel: _socket.socket,
) -> int:
    """Be process 1: make the room, give up all rights, start the program, and reap until it ends."""
    if not channel.recv(1):
        return 1
    close_others({channel.fileno()})
    umask = os.umask(0o022)
    privileges.forbid_user_namespaces()
    isolation.isolate(host_network=container.network)
    room.enter(container, _terminal_name())
    privileges.renounce()
    sys_.install_filter(container_filter(os.uname().machine))
    sys_.prctl(sys_.PR_SET_DUMPABLE, 0, "PR_SET_DUMPABLE")
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL, "PR_SET_PDEATHSIG")
    if _is_abandoned(channel):
        return 1
    os.umask(umask)
    program = os.fork()
    if program == 0:
        end_with(lambda: _start(container, command, environment, mask), channel)
    channel.close()
    os.closerange(0, 3)  # a terminal or a pipe is the program's alone
    return exit_code(attend(program))


def _is_abandoned(channel: _socket.socket) -> bool:
    poll = select.poll()
    poll.register(channel, 0)
    return bool(poll.poll(0))  # the other end is closed


def _terminal_name() -> str | None:
    """The file of the terminal that the program is to talk to."""
    for descriptor in range(3):
        try:
            return os.ttyname(descriptor)
        except OSError:
            continue
    return None


def close_others(kept: Collection[int]) -> None:
    """Close all files but the standard ones and `kept`."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and descriptor not in kept:
            os.closerange(descriptor, descriptor + 1)


def _start(
    container: Container,
    command: Sequence[str],
    environment: Mapping[str, str],
    mask: Iterable[int],
) -> None:
    for directory in (container.directory, container.identity.home):
        try:
            os.chdir(directory)
            break
        except OSError:
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    become(command, environment)


def become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by the command, found by the PATH of its environment; `CannotStart` if not."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # the interpreter ignores these
        signal.signal(number, signal.SIG_DFL)
    program = command[0]
    file = program if "/" in program else shutil.which(program, path=environment.get("PATH", ""))
    if file is None or not os.path.exists(file):
        raise cannot_start(program, errno.ENOENT)
    if _leads_to_proc(file):
        raise cannot_start(program, errno.EPERM)
    try:
        os.execve(file, list(command), dict(environment))  # noqa: S606 -- that is the point
    except OSError as error:
        is_incomplete = error.errno == errno.ENOENT  # for the file itself is there
        raise cannot_start(program, errno.ELIBACC if is_incomplete else error.errno or 0) from error


def _leads_to_proc(file: str) -> bool:
    """Whether this would run what runs already: the host's interpreter, which is not for those inside."""
    for _ in range(_LINKS_OF_SCRIPTS):
        if os.path.realpath(file).startswith("/proc/") or "/proc/" in file:
            return True
        try:
            with open(file, "rb") as stream:
                first = stream.readline(256)
        except OSError:
            return False
        words = first[2:].split()
        if not first.startswith(b"#!") or not words:
            return False
        file = os.fsdecode(words[0])
    return False


def attend(child: int) -> int:
    """Hand signals on to `child` and reap until it ends; its wait status. `WATCHED` must be blocked."""
    while True:
        about = signal.sigwaitinfo(WATCHED)
        if about.si_signo == signal.SIGCHLD:
            status = _reap(child)
            if status is not None:
                return status
        elif about.si_code != _FROM_KERNEL:
            os.kill(child, about.si_signo)


def _reap(child: int) -> int | None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == child:
            return status
        if pid == 0:
            return None


def exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def watched_terminal() -> int | None:
    """The descriptor of the terminal whose foreground is ours."""
    for descriptor in range(3):
        try:
            if os.tcgetpgrp(descriptor) == os.getpgrp():
                return descriptor
        except OSError:
            continue
    return None


def take_back(terminal: int) -> None:
    """A shell in a container cannot give the foreground back: those it had it from have no number there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():
            os.tcsetpgrp(terminal, os.getpgrp())
    except OSError:
        return
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
