"""Ways to a daemon, by the words in which Guix and Nix spell them.

/FILE, unix:FILE, unix://FILE, file:FILE, file://FILE      a socket of this machine
larix://HOST[:PORT], guix://HOST[:PORT]                    TCP; nobody is trusted over it
ssh://[USER@]HOST[:PORT][/FILE], ssh-ng://...              a daemon's standard input and output, by ssh
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from larix.errors import LarixError
from larix.protocol.channel import PeerGone
from larix.words import tr

__all__ = ["NoDaemon", "Transport", "connect", "is_here", "way_to"]

_PORT = 44146
_SOCKET_SCHEMES = {"", "unix", "file"}
_LAST_WORDS = 2.0  # seconds
_QUIET = ("-x", "-T")  # no windows, no terminal
_NO_SUCH_PROGRAM, _SSH_FAILED = 127, 255  # exit statuses of shells and of ssh


class NoDaemon(LarixError):
    """A daemon cannot be reached; says which way was tried."""


class Transport(NamedTuple):
    """How bytes come and go; `is_local`: what is in the store can be read here, too."""

    receive: Callable[[int], bytes]
    send: Callable[[bytes], object]
    close: Callable[[], object]
    name: str
    is_local: bool


def connect(address: str) -> Transport:
    """Reach the daemon at `address`. Raises NoDaemon; ssh fails later, when something is received."""
    try:
        parts = urlsplit(address)
        host, port, file = parts.hostname, parts.port, unquote(parts.path)
    except ValueError as error:
        raise _no_address(address) from error
    if "\0" in file:
        raise _no_address(address)
    if parts.scheme in _SOCKET_SCHEMES:
        return _to_socket(file, address)
    if parts.scheme in {"larix", "guix"} and host:
        return _to_host(host, _PORT if port is None else port, address)
    if parts.scheme in {"ssh", "ssh-ng"} and host:
        return _to_program(_ssh(parts.username, host, port, file), address)
    raise NoDaemon(tr("{address}: connection is not supported", address=address), hint=_known_ways())


def _known_ways() -> str:
    return tr("use a socket's file name, larix://HOST[:PORT], or ssh://[USER@]HOST[:PORT]")


def _no_address(address: str) -> NoDaemon:
    return NoDaemon(tr("{address}: no address of a daemon", address=ascii(address)[1:-1]), hint=_known_ways())


def is_here(address: str) -> bool:
    """Whether it is a socket of this machine, so that its daemon sees the files that this user sees."""
    return address.partition(":")[0] in _SOCKET_SCHEMES or "://" not in address


def way_to(address: str) -> list[str]:
    """The words that run what follows on the machine at `address`; none where it is not known how."""
    parts = urlsplit(address)
    if parts.scheme not in {"ssh", "ssh-ng"} or not parts.hostname:
        return []
    return [word for word in _ssh_to(parts.username, parts.hostname, parts.port) if word not in _QUIET]


def _to_socket(file: str, address: str) -> Transport:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if len(os.fsencode(file)) < 108:
            connection.connect(file)
        else:
            folder = os.open(os.path.dirname(file), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                connection.connect(f"/proc/self/fd/{folder}/{os.path.basename(file)}")
            finally:
                os.close(folder)
    except OSError as error:
        connection.close()
        raise NoDaemon(
            tr("cannot reach a daemon at `{file}`: {strerror}", file=file, strerror=error.strerror),
            hint=tr("start it with `larix daemon`, or unset LARIX_DAEMON_SOCKET"),
        ) from error
    return _of_socket(connection, address, is_local=True)


def _to_host(host: str, port: int, address: str) -> Transport:
    try:
        connection = socket.create_connection((host, port), timeout=30)
    except (OSError, UnicodeError) as error:
        raise NoDaemon(
            tr("cannot reach a daemon at `{host}:{port}`: {error}", host=host, port=port, error=error)
        ) from error
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _of_socket(connection, address, is_local=False)


def _of_socket(connection: socket.socket, name: str, *, is_local: bool) -> Transport:
    def receive(size: int) -> bytes:
        try:
            return connection.recv(size)
        except ConnectionError as error:
            raise PeerGone(tr("the daemon closed the connection")) from error

    def send(data: bytes) -> None:
        try:
            connection.sendall(data)
        except ConnectionError as error:
            raise PeerGone(tr("the daemon closed the connection")) from error

    return Transport(receive, send, connection.close, name, is_local)


def _ssh_to(user: str | None, host: str, port: int | None) -> list[str]:
    if host.startswith("-") or (user or "").startswith("-"):
        raise NoDaemon(tr("`{host}` is no name of a host", host=host))
    words = ["ssh", *_QUIET, *(("-p", str(port)) if port is not None else ())]
    return [*words, f"{user}@{host}" if user else host]


def _ssh(user: str | None, host: str, port: int | None, file: str) -> list[str]:
    words = [*_ssh_to(user, host, port), "larix", "daemon", "--stdio"]
    return [*words, f"--socket={file}"] if file.strip("/") else words


def _to_program(words: list[str], address: str) -> Transport:
    program = _Program(words)
    return Transport(program.receive, program.send, program.close, address, is_local=False)


class _Program:
    """A program that passes on what a daemon says, as `ssh` does.

    What it says on standard error is shown once it has passed something on; if it never does, that is the
    reason.
    """

    def __init__(self, words: list[str]) -> None:
        self._words = words
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise NoDaemon(
                tr("cannot run `{program}`: {strerror}", program=words[0], strerror=error.strerror)
            ) from error
        self._has_answered = threading.Event()
        self._lines: list[bytes] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with self._process.stderr or nullcontext(()) as stream:
            for line in stream:
                self._lines.append(line)
                if self._has_answered.is_set():
                    self._show()

    def _show(self) -> None:
        while self._lines:
            with suppress(OSError):
                os.write(2, self._lines.pop(0))

    def receive(self, size: int) -> bytes:
        data = self._process.stdout.read(size) if self._process.stdout else b""
        if data:
            if not self._has_answered.is_set():
                self._has_answered.set()
                self._show()
            return data
        self._fail()
        return b""

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and self._process.stdin:
                view = view[self._process.stdin.write(view) or 0 :]
        except (BrokenPipeError, ValueError) as error:
            self._fail()
            raise PeerGone(tr("the daemon closed the connection")) from error

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process.wait()
        self._listener.join(_LAST_WORDS)

    def _fail(self) -> None:
        """Raise NoDaemon when nothing has ever come."""
        if self._has_answered.is_set():
            return
        status = self._process.wait()
        self._listener.join(_LAST_WORDS)  # who shares a connection may leave somebody who keeps it open
        lines = [line.decode("utf-8", "replace").strip() for line in self._lines]
        said = [line for line in lines if line and not line.startswith("hint:")]
        hints = [line.removeprefix("hint:").strip() for line in lines if line.startswith("hint:")]
        raise _failure(self._words, status, said[-1] if said else "", hints[-1] if hints else None)


def _failure(words: list[str], status: int, said: str, hint: str | None) -> NoDaemon:
    """What is told of an `ssh` that ended without a word from the other side."""
    way = [word for word in words[: words.index("larix")] if word not in _QUIET]
    target, command = way[-1], " ".join((*way, "larix", "--version"))
    said = said or tr("it ended with status {status}", status=status)
    if status == _NO_SUCH_PROGRAM:
        return NoDaemon(
            tr("`{target}` finds no larix: {said}", target=target, said=said),
            hint=tr("install it there, so that `{command}` answers", command=command),
        )
    if status == _SSH_FAILED or status < 0:
        return NoDaemon(
            tr("ssh does not reach `{target}`: {said}", target=target, said=said),
            hint=tr("try `{command}`", command=command),
        )
    said = said.removeprefix("larix daemon: error: ")
    return NoDaemon(tr("larix at `{target}` cannot: {said}", target=target, said=said), hint=hint)
