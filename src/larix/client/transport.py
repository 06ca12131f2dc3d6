"""Ways to a daemon, by the words in which Guix and Nix spell them.

/FILE, unix:FILE, unix://FILE, file:FILE, file://FILE      a socket of this machine
larix://HOST[:PORT], guix://HOST[:PORT]                    TCP; nobody is trusted over it
ssh://[USER@]HOST[:PORT][/FILE], ssh-ng://...              a daemon's standard input and output, by ssh
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from larix.errors import LarixError
from larix.protocol.channel import PeerGone
from larix.words import tr

__all__ = ["NoDaemon", "Transport", "connect"]

_PORT = 44146
_SOCKET_SCHEMES = {"", "unix", "file"}


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
    """Reach the daemon at `address`. Raises NoDaemon."""
    parts = urlsplit(address)
    if parts.scheme in _SOCKET_SCHEMES:
        return _to_socket(unquote(parts.path), address)
    if parts.scheme in {"larix", "guix"} and parts.hostname:
        return _to_host(parts.hostname, _port(parts.netloc, parts.port), address)
    if parts.scheme in {"ssh", "ssh-ng"} and parts.hostname:
        return _to_program(_ssh(parts.username, parts.hostname, parts.port, unquote(parts.path)), address)
    raise NoDaemon(
        tr("{address}: connection is not supported", address=address),
        hint=tr("use a socket's file name, larix://HOST[:PORT], or ssh://[USER@]HOST[:PORT]"),
    )


def _port(netloc: str, port: int | None) -> int:
    del netloc
    return _PORT if port is None else port


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
    except OSError as error:
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


def _ssh(user: str | None, host: str, port: int | None, file: str) -> list[str]:
    if host.startswith("-") or (user or "").startswith("-"):
        raise NoDaemon(tr("`{host}` is no name of a host", host=host))
    words = ["ssh", "-x", "-T", *(("-p", str(port)) if port is not None else ())]
    words += [f"{user}@{host}" if user else host, "larix", "daemon", "--stdio"]
    return [*words, f"--socket={file}"] if file.strip("/") else words


def _to_program(words: list[str], address: str) -> Transport:
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    except OSError as error:
        raise NoDaemon(
            tr("cannot run `{program}`: {strerror}", program=words[0], strerror=error.strerror)
        ) from error
    incoming, outgoing = process.stdout, process.stdin
    if incoming is None or outgoing is None:
        raise NoDaemon(tr("cannot talk to `{program}`", program=words[0]))

    def send(data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[outgoing.write(view) or 0 :]
        except (BrokenPipeError, ValueError) as error:
            raise PeerGone(tr("the daemon closed the connection")) from error

    def close() -> None:
        outgoing.close()
        incoming.close()
        process.wait()

    def receive(size: int) -> bytes:
        return incoming.read(size) or b""

    return Transport(receive, send, close, address, is_local=False)
