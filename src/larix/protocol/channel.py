"""One end of a connection: bytes in as they are asked for, bytes out in few writes.

It knows no sockets: whoever makes one says how bytes are received and sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from larix.formats import nar
from larix.formats.wire import BadWire, StreamReader
from larix.protocol.dialect import Dialect
from larix.protocol.messages import Ask, Message, write_message
from larix.words import tr

__all__ = ["Channel", "PeerGone", "archive", "drain", "reader_of"]

_MUCH = 1 << 16
_ASKED = 1 << 16
_MOST = 1 << 20


class PeerGone(Exception):
    """The other end closed the connection. Not an error to be told: there is nobody left to tell."""


class Channel:
    """Buffers both directions. `receive` and `send` raise PeerGone when the other end is no more.

    `receive(size)` gives at most so many bytes, and none when nothing more comes; `send` takes them all.
    """

    def __init__(self, receive: Callable[[int], bytes], send: Callable[[bytes], object]) -> None:
        self._take = receive
        self._give = send
        self.reader = StreamReader(self._receive)
        self._pending: list[bytes] = []
        self._size = 0

    def _receive(self, size: int) -> bytes:
        """Whatever waits to be sent goes first: the other end may wait for it."""
        self.flush()
        return self._take(min(size, _MOST))

    def send(self, data: bytes) -> None:
        self._pending.append(data)
        self._size += len(data)
        if self._size >= _MUCH:
            self.flush()

    def flush(self) -> None:
        if self._pending:
            data, self._pending, self._size = b"".join(self._pending), [], 0
            self._give(data)

    def tell(self, message: Message, dialect: Dialect) -> None:
        self.send(write_message(message, dialect))

    def pulled(self, dialect: Dialect) -> Iterator[bytes]:
        """The body of a request for which the client is asked piece by piece; ends with an empty piece."""
        while True:
            self.tell(Ask(_ASKED), dialect)
            piece = self.reader.string(limit=_ASKED)
            if not piece:
                return
            yield piece


def archive(reader: StreamReader) -> Iterator[bytes]:
    """The pieces of an archive, which ends by itself; what follows it stays unread."""
    decoder = nar.Decoder()
    while not decoder.done:
        piece = reader.some(_MUCH)
        decoder.feed(piece)
        unused = bytes(decoder.unused)
        if unused:
            reader.give_back(unused)
            piece = piece[: len(piece) - len(unused)]
        yield piece


def reader_of(pieces: Iterable[bytes]) -> StreamReader:
    """A reader of what pieces make together."""
    source = iter(pieces)
    return StreamReader(lambda _size: next((piece for piece in source if piece), b""))


def drain(pieces: Iterable[bytes]) -> None:
    """Read what nobody wants to the end, so that the connection can go on. Raises BadWire if it cannot."""
    try:
        for _ in pieces:
            pass
    except nar.BadNar as error:
        raise BadWire(expected=tr("an archive"), found=error.message) from error
