"""Larix's end of the launcher."""

from __future__ import annotations

import _socket
import marshal
import os
import sys
from typing import TYPE_CHECKING, Any

from larix.errors import LarixError
from larix.words import source, tr

if TYPE_CHECKING:
    from .request import Request

__all__ = ["Launcher", "LauncherDied"]

_START = """\
import sys
sys.path[:] = {path!r}
from larix.builder.sandbox.launcher import main
main({preload!r}, {words!r})
"""


class LauncherDied(LarixError):
    """The process that starts builds is gone: killed, or unable to start at all."""

    exit_code = 100

    def __init__(self, cause: str) -> None:
        super().__init__(
            tr("the process that starts builds is gone: {cause}", cause=cause),
            hint=tr("run the command again"),
        )


class Launcher:
    """A running launcher; its builds die with it, and it dies with this process or at `close`.

    `preload` names modules that hold builtins. They are imported before any right is given up, for the build
    user may be unable to read the folder where larix lies.
    """

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        home = os.path.abspath(__file__)
        for _ in range(4):
            home = os.path.dirname(home)
        path = list(sys.path) if preload else [*(entry for entry in sys.path if _is_standard(entry)), home]
        program = _START.format(path=path, preload=preload, words=source() if preload else None)
        try:
            self.pid = os.posix_spawn(
                sys.executable,
                (sys.executable, "-I", "-S", "-X", "utf8", "-c", program),
                {},
                file_actions=((os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),),
                setsigmask=(),  # whatever the caller blocks: builds must not differ by who started them
                setsid=True,  # keys typed at the terminal reach larix alone, which ends builds in order
            )
        except OSError as error:
            raise LauncherDied(
                tr("cannot run `{executable}`: {problem}", executable=sys.executable, problem=error.strerror)
            ) from error
        finally:
            theirs.close()
        self._channel = ours

    def start(self, request: Request, log: int, kept: int | None = None) -> _socket.socket:
        """Start a build whose output goes to `log`; give the control socket.

        Closing the socket, or shutting it down for writing, kills the build. Its end of stream says
        that no process of the build is left. The descriptor `kept` stays open until then.
        """
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        memory = os.memfd_create("larix-request")
        try:
            _write_all(memory, marshal.dumps(dict(request)))
            descriptors = (memory, log, theirs.fileno(), memory if kept is None else kept)
            packed = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
            self._channel.sendmsg([b"B"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)])
        except OSError as error:
            ours.close()
            raise LauncherDied(error.strerror or tr("its socket is closed")) from error
        finally:
            os.close(memory)
            theirs.close()
        return ours

    def close(self) -> None:
        """End the launcher, and with it every build that still runs."""
        self._channel.close()
        if self.pid:
            os.waitpid(self.pid, 0)
            self.pid = 0


def read_message(control: _socket.socket) -> tuple[Any, ...] | None:
    """The next report on a control socket; `None` at the end of the stream."""
    try:
        packet = control.recv(1 << 16)
    except ConnectionResetError:
        return None
    if not packet:
        return None
    message: tuple[Any, ...] = marshal.loads(packet)  # noqa: S302 - from our own child, nobody else has the socket
    return message


def _is_standard(entry: str) -> bool:
    return entry.startswith(sys.base_prefix) and "site-packages" not in entry and "dist-packages" not in entry


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
