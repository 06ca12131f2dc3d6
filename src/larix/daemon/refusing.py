"""Telling a client why nobody talks to it, without a process for it.

The parent says all at once, before it has read a word: its magic number, an old version of the protocol, and
a failure as that version has it. From 1.25 on downwards nothing of a greeting depends on what the client
says, and Nix, Guix and larix all understand it. Then it keeps the connection for a moment, and reads what
comes without looking at it: who still sends would otherwise be told of a broken pipe instead. A client costs
one descriptor meanwhile, and however many come, there are no more than some dozens.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.formats.wire import encode_u64
from larix.protocol.dialect import SERVER_MAGIC, Dialect
from larix.protocol.messages import Failure, write_message

if TYPE_CHECKING:
    from larix.errors import LarixError

__all__ = ["Refusals", "refusal_of"]

_PLAIN = Dialect(DEFAULT_STORE_DIR, "nix", 25)  # the last whose failures are a text and a number
_MOST = 64
_SECONDS = 5.0
_PIECE = 1 << 12
_PIECES = 16  # no greeting is as long as that


def refusal_of(error: LarixError) -> bytes:
    """All that a client is sent."""
    text = f"{error}\nhint: {error.hint}" if error.hint else str(error)
    failure = Failure(text.encode("utf-8", "surrogateescape"), error.exit_code)
    return encode_u64(SERVER_MAGIC) + encode_u64(0x100 | _PLAIN.minor) + write_message(failure, _PLAIN)


class _Refused:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.until = time.monotonic() + _SECONDS
        self.pieces = 0


class Refusals:
    """The connections of who has been refused and may not have heard it yet; `poll` watches them."""

    def __init__(self, poll: select.poll) -> None:
        self._poll = poll
        self._refused: dict[int, _Refused] = {}  # the oldest first

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._refused

    def tell(self, connection: socket.socket, error: LarixError) -> None:
        """Takes the connection over."""
        connection.setblocking(False)
        try:
            connection.send(refusal_of(error))  # a new connection has room for that
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            connection.close()
            return
        if len(self._refused) >= _MOST:
            self._forget(next(iter(self._refused)))
        self._refused[connection.fileno()] = _Refused(connection)
        self._poll.register(connection, select.POLLIN)

    def hear(self, descriptor: int) -> None:
        """Something came, or the client has gone."""
        refused = self._refused[descriptor]
        refused.pieces += 1
        try:
            is_over = not refused.connection.recv(_PIECE) or refused.pieces >= _PIECES
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self._forget(descriptor)

    def wait(self) -> float | None:
        """Let go who had time enough; milliseconds until the next one has, None when there is nobody."""
        now = time.monotonic()
        for descriptor, refused in list(self._refused.items()):
            if refused.until > now:
                return (refused.until - now) * 1000 + 1
            self._forget(descriptor)
        return None

    def close(self) -> None:
        for descriptor in list(self._refused):
            self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        refused = self._refused.pop(descriptor)
        with suppress(KeyError):
            self._poll.unregister(descriptor)
        refused.connection.close()
