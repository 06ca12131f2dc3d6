"""The process that starts builds: small, warm, single-threaded, and replaced by nothing else.

Three kinds of process stand between larix and a builder:

    larix ──socket──► launcher ──fork──► keeper ──fork──► first ──fork──► the builder
                      one per session    one per build    process 1 of    exec
                                         outside          the build

The launcher reads one byte and four descriptors per build: the request (a memory file), the log, the
control socket, and a descriptor that is merely kept open (the lock of the build user). The keeper waits. If
larix closes its end of the control socket, or is killed, the keeper kills process 1, and the kernel then
kills whatever else the build started; if the keeper is killed, process 1 gets the same signal from the
kernel. Process 1 reaps orphans, and ends when the builder ends, which ends every process left over.

On the control socket go `marshal` values, one per packet: ("failed", step, errno, detail) when the room
could not be made or the builder not started, ("exited", wait status) of the builder, ("died", wait status)
of process 1 when it was killed, and whatever a builtin reports. The end of the stream means that
no process of the build is left.
"""

from __future__ import annotations

import _socket
import gc
import marshal
import os
import resource
import select
import sys

from . import privileges, room
from . import syscalls as sys_
from .syscalls import SetupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .request import Builtin, Request

__all__ = ["main"]

_SIGKILL = 9
_INT = 4


def _speak(file: str) -> None:
    """Have builtins tell what fails in the language of whoever started this; or else in English."""
    import gettext  # few need it, and it takes as long to load as all the rest
    import struct

    from larix.words import speak

    try:
        with open(file, "rb") as stream:
            speak(gettext.GNUTranslations(stream))
    except (OSError, ValueError, LookupError, struct.error):
        return


def main(preload: tuple[str, ...] = (), words: str | None = None) -> NoReturn:
    """Serve requests from standard input, a socket, until its other end is closed.

    The modules of `preload` are imported once, for builtins that are to start as fast as builds.
    `words` names the translations that the builtins speak by.
    """
    for module in preload:
        __import__(module)
    if words is not None:
        _speak(words)
    gc.freeze()
    gc.disable()
    launcher = os.getpid()
    channel = _socket.socket(fileno=0)
    keepers: set[int] = set()
    while True:
        byte, ancillary, _flags, _address = channel.recvmsg(
            1, _socket.CMSG_SPACE(4 * _INT), _socket.MSG_CMSG_CLOEXEC
        )
        _reap(keepers, os.WNOHANG)
        if not byte:
            for keeper in keepers:
                os.kill(keeper, _SIGKILL)
            _reap(keepers, 0)
            os._exit(0)  # there is nothing to tear down, and that takes longer than a fork
        received = b"".join(data for _level, kind, data in ancillary if kind == _socket.SCM_RIGHTS)
        descriptors = tuple(memoryview(received).cast("i"))
        if len(descriptors) == 4:
            keepers |= _start(launcher, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _reap(keepers: set[int], options: int) -> None:
    """Wait for keepers, so that the time their builds took counts as the launcher's, and then as larix's."""
    while keepers:
        pid, _ = os.waitpid(-1, options)
        if pid == 0:
            return
        keepers.discard(pid)


def _start(launcher: int, request: int, log: int, control: int, kept: int) -> set[int]:
    """Fork a keeper; its process id, or nothing when that is impossible, which larix then was told."""
    try:
        child = os.fork()
    except OSError as error:
        _report(control, ("failed", "fork", error.errno, ""))
        return set()
    if child == 0:
        _end_with(lambda: _keep(launcher, request, log, control), control)
    del kept
    return {child}


def _end_with(function: Callable[[], None], control: int) -> NoReturn:
    """Run `function` and end this process whatever happens; a failed step goes to larix."""
    status = 1
    try:
        function()
        status = 0
    except SetupError as error:
        _report(control, ("failed", error.step, error.errno, error.detail))
    except OSError as error:
        _report(control, ("failed", "", error.errno, str(error.filename or "")))
    except BaseException as error:  # noqa: BLE001 - nothing above this frame may run in a fork
        _report(control, ("bug", f"{type(error).__name__}: {error}"))
    os._exit(status)


def _report(control: int, message: tuple[Any, ...]) -> None:
    try:
        os.write(control, marshal.dumps(message))
    except OSError:
        return  # larix is gone; the build ends for that reason


def _keep(launcher: int, request_file: int, log: int, control: int) -> None:
    """Be the keeper: make process 1, then wait for its end or for larix's."""
    sys_.prctl(sys_.PR_SET_PDEATHSIG, _SIGKILL, "PR_SET_PDEATHSIG")
    if os.getppid() != launcher:
        return
    request: Request = marshal.loads(_read_all(request_file))  # noqa: S302 - from larix, over a private socket
    if request["ids"] is None:
        privileges.enter_user_namespace(sys_.CLONE_NEWPID, "user and process namespaces")
    else:
        sys_.unshare(sys_.CLONE_NEWPID, "process namespace")
    alive, held = os.pipe()
    try:
        first = os.fork()
    except OSError as error:
        raise SetupError("fork", error.errno or 0) from error
    if first == 0:
        os.close(alive)
        _end_with(lambda: _be_first(request, log, control, held), control)
    os.close(held)
    os.close(log)
    _wait(alive, control, first)
    _, status = os.waitpid(first, 0)  # returns once the kernel has ended everything in the namespace
    if os.WIFSIGNALED(status):
        _report(control, ("died", status))


def _read_all(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0)


def _wait(alive: int, control: int, first: int) -> None:
    """Return when process 1 has ended; end it when larix closes the control socket."""
    poll = select.poll()
    poll.register(alive, select.POLLIN)
    poll.register(control, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if alive in ready:
            return
        if control in ready and not os.read(control, 1):
            os.kill(first, _SIGKILL)
            poll.unregister(control)


def _be_first(request: Request, log: int, control: int, held: int) -> None:
    """Be process 1 of the build: make the room, give up all rights, start the builder and reap."""
    sys_.prctl(sys_.PR_SET_PDEATHSIG, _SIGKILL, "PR_SET_PDEATHSIG")
    os.setsid()
    os.umask(0o022)
    room.isolate(host_network=request["host_network"])
    builtin = request["builtin"]
    shared = -1
    if request["shared"]:
        shared = room.enter_view(request)
    else:
        room.enter_room(request)
    if request["ids"] is not None:
        privileges.become(*request["ids"])
        privileges.enter_user_namespace()
    privileges.forbid_user_namespaces()
    privileges.renounce()
    # Changing ids clears the signal that was asked for; asking again, a keeper that died between is noticed.
    sys_.prctl(sys_.PR_SET_PDEATHSIG, _SIGKILL, "PR_SET_PDEATHSIG")
    if _is_abandoned(held):
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if request["filter"]:
        sys_.install_filter(request["filter"])
    sys_.prctl(sys_.PR_SET_DUMPABLE, 0, "PR_SET_DUMPABLE")
    if builtin is not None:
        _run_builtin(builtin, log, control, shared)
        return
    builder = os.fork()
    if builder == 0:
        _end_with(lambda: _run_builder(request, log, control), control)
    os.close(log)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == builder:
            break
    _report(control, ("exited", status))


def _is_abandoned(held: int) -> bool:
    poll = select.poll()
    poll.register(held, 0)
    return bool(poll.poll(0))  # an error on the writing end: nobody holds the reading end


def _take_standard_streams(log: int) -> None:
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _run_builder(request: Request, log: int, control: int) -> None:
    os.setsid()
    _take_standard_streams(log)
    os.closerange(3, control)
    os.closerange(control + 1, 1 << 20)
    for signal in range(1, 65):  # what the interpreter, or whoever started larix, ignores would be inherited
        sys_.set_signal(signal, sys_.SIG_DFL)
    try:
        os.chdir(request["directory"])
        os.execve(request["builder"], request["arguments"], request["environment"])  # noqa: S606 - that is the point
    except OSError as error:
        raise SetupError("execve", error.errno or 0, os.fsdecode(request["builder"])) from error


def _run_builtin(builtin: Builtin, log: int, control: int, shared: int) -> None:
    """Call a function of larix, which may report packets of its own through what it is given."""
    _take_standard_streams(log)
    function = getattr(sys.modules[builtin["module"]], builtin["function"])

    def report(message: tuple[Any, ...]) -> None:
        _report(control, message)

    function({**builtin["argument"], "cache": shared}, report)
    sys.stdout.flush()
    _report(control, ("exited", 0))
