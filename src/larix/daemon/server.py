"""The parent of all sessions: it listens, forks, and counts. It has no threads and no store.

    listening ──connection──► fork ──► session (a process of its own, ended by its client or with the daemon)

A session that dies, of whatever, frees its place. Who is not allowed, or has too many sessions, is told so
and let go (see `refusing`). Sockets are those that the service manager hands over (LISTEN_FDS), or are made
here.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from larix.daemon.access import Peer, is_allowed, peer_of
from larix.daemon.refusing import Refusals
from larix.daemon.session import Session, preload
from larix.daemon.settings import Settings
from larix.errors import LarixError
from larix.protocol.dialect import GUIX_VERSION, NIX_VERSION
from larix.store.layout import Layout
from larix.store.locks import open_lock_file, try_lock
from larix.store.opening import open_local_store
from larix.words import plural, tr

__all__ = [
    "DEFAULT_PORT",
    "CannotListen",
    "Listener",
    "Server",
    "activated",
    "listen_on_network",
    "listen_on_path",
]

DEFAULT_PORT = 44146
_BACKLOG = 128
_GRACE_SECONDS = 5.0
_FIRST_PASSED = 3  # systemd's first descriptor


class CannotListen(LarixError):
    """There is no socket to be had; says which, and why."""


class Refused(LarixError):
    """A client is not talked to."""


class Listener(NamedTuple):
    """A listening socket, and the version of the protocol that its clients are told."""

    socket: socket.socket
    announced: int
    file: str | None = None


def announced_for(name: str) -> int:
    """Nix's version for a socket with `nix` in its name; else Guix's, which older clients of Nix take too."""
    return NIX_VERSION if "nix" in os.path.basename(name) else GUIX_VERSION


def activated(environ: dict[str, str]) -> list[Listener]:
    """The sockets that the service manager has passed to this very process."""
    if environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return []
    count = environ.pop("LISTEN_FDS", "")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if not (count.isascii() and count.isdigit()) or int(count) > 64:
        raise CannotListen(tr("LISTEN_FDS is no number of sockets: `{count}`", count=count[:20]))
    found: list[Listener] = []
    for index in range(int(count)):
        descriptor = _FIRST_PASSED + index
        os.set_inheritable(descriptor, False)
        listening = socket.socket(fileno=descriptor)
        given = names[index] if index < len(names) else ""
        found.append(Listener(listening, announced_for(_file_of(listening) or given)))
    return found


def _file_of(listening: socket.socket) -> str:
    """The file of a local socket. A unit of systemd has one name for all of its sockets, which tells less."""
    name = listening.getsockname() if listening.family == socket.AF_UNIX else ""
    return os.fsdecode(name) if isinstance(name, bytes) else str(name)


def listen_on_path(file: str, announced: int | None = None) -> Listener:
    """A socket in the file system that every user may connect to; its name tells which version is announced.

    Raises CannotListen when another daemon is there, or anything but a socket; what a dead one left is
    replaced.
    """
    directory = os.path.dirname(file)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        _require_nothing_but_sockets(file)
        lock = open_lock_file(f"{file}.lock")
        if not try_lock(lock):
            raise CannotListen(
                tr("another daemon listens on `{file}`", file=file),
                hint=tr("stop it, or choose another socket"),
            )
        if _is_answered(file):
            raise CannotListen(
                tr("another program listens on `{file}`", file=file),
                hint=tr("stop it, or choose another socket"),
            )
        with suppress(FileNotFoundError):
            os.unlink(file)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The name of a socket may have 108 bytes, that of a directory more.
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            server.bind(f"/proc/self/fd/{folder}/{os.path.basename(file)}")
        finally:
            os.close(folder)
        os.chmod(file, 0o666)  # noqa: S103 - who may do what is told by the credentials
        server.listen(_BACKLOG)
    except OSError as error:
        raise CannotListen(
            tr("cannot listen on `{file}`: {strerror}", file=file, strerror=error.strerror)
        ) from error
    return Listener(server, announced or announced_for(file), file)


def _require_nothing_but_sockets(file: str) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(file).st_mode):
            raise CannotListen(
                tr("`{file}` is there already, and is no socket", file=file),
                hint=tr("move it away, or choose another name for the socket"),
            )


def _is_answered(file: str) -> bool:
    """Whether somebody who takes no lock of ours listens there; one whose queue is full does, too."""
    folder = os.open(os.path.dirname(file), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            probe.connect(f"/proc/self/fd/{folder}/{os.path.basename(file)}")
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def listen_on_network(host: str, port: int) -> list[Listener]:
    """TCP sockets at all addresses of a host. Whoever connects is nobody in particular, and never trusted."""
    found: list[Listener] = []
    problem: OSError | None = None
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        addresses, problem = [], error
    for family, _, _, _, address in dict.fromkeys(addresses):
        try:
            listening = socket.create_server((str(address[0]), port), family=family, backlog=_BACKLOG)
        except OSError as error:  # such as IPv6 on a machine that has none
            problem = error
        else:
            found.append(Listener(listening, GUIX_VERSION))
    if not found:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        strerror = problem.strerror if problem is not None else tr("it has no address")
        raise CannotListen(
            tr("cannot listen on `{address}`: {strerror}", address=shown, strerror=strerror)
        ) from problem
    return found


class Server:
    """Serves until it is told to end (SIGTERM, SIGINT), then ends its sessions."""

    def __init__(
        self,
        listeners: Iterable[Listener],
        layout: Layout,
        settings: Settings,
        *,
        log: Callable[[str], object],
        read_settings: Callable[[], Settings] | None = None,
    ) -> None:
        self._listeners = list(listeners)
        self._layout = layout
        self._settings = settings
        self._read_settings = read_settings
        self._log = log
        self._sessions: dict[int, Peer] = {}
        self._poll = select.poll()
        self._refusals = Refusals(self._poll)
        self._is_ending = False

    def run(self) -> None:
        preload()
        wakeup_read, wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGTERM, self._end),
            (signal.SIGINT, self._end),
            (signal.SIGHUP, self._reload),
            (signal.SIGCHLD, self._be_woken),
        ):
            signal.signal(number, handler)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        poll, refusals = self._poll, self._refusals
        poll.register(wakeup_read, select.POLLIN)
        by_descriptor = {listener.socket.fileno(): listener for listener in self._listeners}
        for descriptor, listener in by_descriptor.items():
            listener.socket.setblocking(False)
            poll.register(descriptor, select.POLLIN)
        while not self._is_ending:
            for descriptor, _ in poll.poll(refusals.wait()):
                if descriptor == wakeup_read:
                    with suppress(BlockingIOError):
                        os.read(wakeup_read, 4096)
                elif descriptor in refusals:
                    refusals.hear(descriptor)
                elif descriptor in by_descriptor and not self._is_ending:
                    self._accept(by_descriptor[descriptor])
            self._bury()
        signal.set_wakeup_fd(-1)
        self._close()

    def _be_woken(self, *_: object) -> None:
        """That is all: the loop looks who has ended."""

    def _end(self, *_: object) -> None:
        self._is_ending = True

    def _reload(self, *_: object) -> None:
        if self._read_settings is not None:
            try:
                self._settings = self._read_settings()
                self._log("settings read again")
            except LarixError as error:
                self._log(f"the settings stay as they are: {error}")

    def _bury(self) -> None:
        """Note which sessions have ended."""
        while self._sessions:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            peer = self._sessions.pop(process, None)
            if peer is not None and status:
                self._log(f"session {process} of {peer.name} ended badly (status {status})")

    def _accept(self, listener: Listener) -> None:
        try:
            connection, _ = listener.socket.accept()
        except OSError as error:
            if not isinstance(error, BlockingIOError | ConnectionError):
                self._log(f"cannot take a connection: {error.strerror}")
                time.sleep(0.05)  # out of descriptors: those of ended sessions come back soon
            return
        try:
            peer = peer_of(connection, self._settings)
        except OSError:
            connection.close()
            return
        refusal = self._refusal(peer)
        if refusal is not None:
            self._log(f"refused {peer.name}: {refusal}")
            self._refusals.tell(connection, refusal)
            return
        with connection:
            connection.setblocking(True)
            try:
                process = os.fork()
            except OSError as error:
                self._log(f"cannot start a session: {error.strerror}")
                return
            if not process:
                self._be_session(connection, peer, listener.announced)
            self._sessions[process] = peer
            trust = " (trusted)" if peer.is_trusted else ""
            self._log(f"session {process}: user {peer.name}{trust}, process {peer.pid or 'unknown'}")

    def _refusal(self, peer: Peer) -> Refused | None:
        if not is_allowed(peer, self._settings):
            return _not_allowed(peer)
        count = len(self._sessions)
        if count < self._settings.max_sessions:
            count = sum(other.name == peer.name for other in self._sessions.values())
            if count < self._settings.max_sessions_per_user or peer.is_trusted:
                return None
            text = plural(
                "`{name}` has {number} session with this daemon already, which is the most",
                "`{name}` has {number} sessions with this daemon already, which is the most",
                count,
                name=peer.name,
            )
        else:
            text = plural(
                "this daemon has {number} session already, which is the most",
                "this daemon has {number} sessions already, which is the most",
                count,
            )
        return Refused(text, hint=tr("try again when one of them has ended"))

    def _be_session(self, connection: socket.socket, peer: Peer, announced: int) -> None:
        """What a fork does, and nothing else."""
        status = 1

        def log(text: str) -> None:
            who = peer.name if peer.uid is None else f"{peer.name} (uid {peer.uid})"
            self._log(f"session {os.getpid()} of {who}: {text}")

        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            for listener in self._listeners:
                listener.socket.close()
            self._refusals.close()
            session = Session(
                connection,
                peer=peer,
                settings=self._settings,
                announced=announced,
                open_store=lambda: open_local_store(self._layout, to_collect=True),
                log=log,
            )
            session.run()
            status = 0
        except LarixError as error:
            log(f"it cannot be served: {error}")
        except BaseException:  # noqa: BLE001 - a fork never returns into what its parent does
            traceback.print_exc(file=sys.stderr)
        finally:
            with suppress(BaseException):
                sys.stderr.flush()
            os._exit(status)

    def _close(self) -> None:
        self._refusals.close()
        for listener in self._listeners:
            listener.socket.close()
            if listener.file is not None:
                with suppress(OSError):
                    os.unlink(listener.file)
        for process in self._sessions:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._sessions:
            process, _ = os.waitpid(-1, os.WNOHANG)
            if process:
                self._sessions.pop(process, None)
            elif time.monotonic() > deadline:
                for left in self._sessions:
                    with suppress(ProcessLookupError):
                        os.kill(left, signal.SIGKILL)
                deadline = float("inf")
            else:
                time.sleep(0.01)


def _not_allowed(peer: Peer) -> Refused:
    if peer.uid is None:
        return Refused(
            tr("this daemon is for some users only (`allowed-users`), and over the network nobody is known"),
            hint=tr("go by ssh://HOST, or use its socket on that machine"),
        )
    return Refused(
        tr("`{name}` may not use this daemon", name=peer.name),
        hint=tr("ask the operator, who may name you in `allowed-users` of daemon.toml"),
    )
