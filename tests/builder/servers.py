"""Servers on loopback that misbehave exactly as told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, "Request"], None]


class Request:
    """The head of an HTTP request."""

    def __init__(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }


class HttpServer:
    """Answers the n-th connection with the n-th behaviour, and all later ones with the last."""

    def __init__(self, *behaviours: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self._behaviours = behaviours
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.requests: list[Request] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, ssl.SSLError):
                self._answer(connection)
            connection.close()

    def _answer(self, connection: socket.socket) -> None:
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(4096)
            if not data:
                return
            head += data
        request = Request(head.partition(b"\r\n\r\n")[0])
        self.requests.append(request)
        behaviour = self._behaviours[min(len(self.requests), len(self._behaviours)) - 1]
        behaviour(connection, request)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def answer(
    body: bytes, *, status: str = "200 OK", length: int | None = None, headers: Sequence[str] = ()
) -> Behaviour:
    """Send `body`; a `length` greater than its own means that the connection breaks."""

    def behave(connection: socket.socket, request: Request) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    return behave


def stall(body: bytes, length: int) -> Behaviour:
    """Send `body` and then nothing, until the client has gone away."""

    def behave(connection: socket.socket, request: Request) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + body)
        while connection.recv(4096):
            pass

    return behave


def files(contents: dict[str, bytes], headers: Sequence[str] = ()) -> Behaviour:
    """A server that simply works."""

    def behave(connection: socket.socket, request: Request) -> None:
        body = contents.get(request.target)
        if body is None:
            answer(b"no such file", status="404 Not Found")(connection, request)
        else:
            answer(body, headers=headers)(connection, request)

    return behave


class FtpServer:
    """Enough of FTP for binary passive retrieval with resumption; the first transfer may be cut.

    The content called LIST is what any folder is said to hold.
    """

    def __init__(self, contents: dict[str, bytes], *, cut_first_at: int | None = None) -> None:
        self._contents = contents
        self._cut = cut_first_at
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.commands: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                self._talk(connection)

    def _lines(self, connection: socket.socket) -> Iterator[str]:
        buffer = b""
        while data := connection.recv(4096):
            buffer += data
            while b"\r\n" in buffer:
                line, _, buffer = buffer.partition(b"\r\n")
                yield line.decode()

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(b"220 ready\r\n")
        passive: socket.socket | None = None
        offset = 0
        for line in self._lines(connection):
            self.commands.append(line)
            command, _, argument = line.partition(" ")
            if command == "USER":
                connection.sendall(b"331 password\r\n")
            elif command == "PASS":
                connection.sendall(b"230 in\r\n")
            elif command == "SIZE" and argument in self._contents:
                connection.sendall(f"213 {len(self._contents[argument])}\r\n".encode())
            elif command in {"EPSV", "PASV"}:
                passive = socket.create_server(("127.0.0.1", 0))
                high, low = divmod(passive.getsockname()[1], 256)
                reply = f"227 passive (127,0,0,1,{high},{low})" if command == "PASV" else "500 no"
                connection.sendall(f"{reply}\r\n".encode())
            elif command == "REST":
                offset = int(argument)
                connection.sendall(b"350 go on\r\n")
            elif command == "RETR" and passive is not None and argument in self._contents:
                connection.sendall(b"150 here\r\n")
                data, _ = passive.accept()
                body = self._contents[argument][offset:]
                with data, passive:
                    data.sendall(body if self._cut is None else body[: self._cut])
                if self._cut is not None:
                    self._cut = None
                    return
                connection.sendall(b"226 done\r\n")
            elif command == "CWD":
                connection.sendall(b"250 there\r\n")
            elif command == "LIST" and passive is not None:
                connection.sendall(b"150 here\r\n")
                data, _ = passive.accept()
                with data, passive:
                    data.sendall(self._contents.get("LIST", b""))
                connection.sendall(b"226 done\r\n")
            elif command == "TYPE":
                connection.sendall(b"200 binary\r\n")
            elif command == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"550 no\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
