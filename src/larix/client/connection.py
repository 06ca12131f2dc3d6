"""A conversation with a daemon, from the client's end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from larix.client.transport import Transport
from larix.errors import LarixError
from larix.formats.storepath import StoreDir, StorePath
from larix.formats.wire import BadWire, encode_string, encode_u64
from larix.protocol import BuildFinished, BuildLog, BuildPhase, BuildStarted, Event, Sink, ignore_events
from larix.protocol.channel import Channel, PeerGone, archive
from larix.protocol.dialect import (
    ASKS_FOR_LARIX,
    CLIENT_MAGIC,
    FEATURES,
    FIRST_OF_GUIX,
    GUIX_VERSION,
    NIX_VERSION,
    OLDEST_NIX,
    SERVER_MAGIC,
    Dialect,
    version_text,
)
from larix.protocol.eventtext import LARIX_EVENT, RemoteError, event_from_json
from larix.protocol.messages import Ask, Began, Data, Done, Ended, Failure, Line, Told, read_message
from larix.protocol.ops import ARCHIVE, FRAMES, OPERATIONS, PULLED, Form
from larix.protocol.store import PathNotValid
from larix.protocol.values import TEXTS
from larix.words import tr

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Connection", "ConnectionLost"]

_BUILD, _LOG_LINE, _SET_PHASE = 105, 101, 104
_FRAME = 1 << 16
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_NO_WISHES = encode_u64(0) + encode_u64(0)  # no processor of choice, no space set aside
_TOGETHER = 64  # requests that are sent before the first reply is read


class ConnectionLost(LarixError):
    """The daemon went away in the middle; what it had made valid stays so."""

    temporary = True


class Connection:
    """An open connection; it is for one thread. `on_line` gets what the daemon has to say in plain words."""

    def __init__(
        self,
        transport: Transport,
        store_dir: StoreDir,
        *,
        on_line: Callable[[str], object] = lambda _line: None,
        version: int = NIX_VERSION,
    ) -> None:
        self.transport = transport
        self.channel = Channel(transport.receive, transport.send)
        self.on_line = on_line
        self.daemon = ""
        self.is_trusted: bool | None = None
        self._running: dict[int, StorePath] = {}
        self.dialect = Dialect(store_dir, "nix", version & 0xFF)
        try:
            self._greet(version)
        except BaseException:
            transport.close()
            raise

    def close(self) -> None:
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _greet(self, version: int) -> None:
        try:
            self._agree(version)
        except (BadWire, PeerGone) as error:
            raise ConnectionLost(
                tr(
                    "the daemon at `{name}` does not answer as one of its kind: {error}",
                    name=self.transport.name,
                    error=error,
                )
            ) from error

    def _agree(self, version: int) -> None:
        channel, reader = self.channel, self.channel.reader
        channel.send(encode_u64(CLIENT_MAGIC))
        if reader.u64() != SERVER_MAGIC:
            raise ConnectionLost(tr("what listens at `{name}` is no daemon", name=self.transport.name))
        announced = self._announced(reader.u64())
        if announced >= FIRST_OF_GUIX:  # a real one speaks to a client of Nix as if it knew all of it
            announced = self._ask_guix(asks_for_larix=version < FIRST_OF_GUIX)
        if announced >= FIRST_OF_GUIX:
            self.dialect = self.dialect._replace(kind="guix", minor=GUIX_VERSION & 0xFF)
        else:
            self._agree_with_nix(min(announced, version), version)
        self._hear(ignore_events, None, None)

    def _announced(self, announced: int) -> int:
        if announced >> 8 != 1 or announced < OLDEST_NIX:
            raise ConnectionLost(
                tr(
                    "the daemon at `{name}` speaks version {announced}, which larix does not",
                    name=self.transport.name,
                    announced=version_text(announced),
                )
            )
        return announced

    def _ask_guix(self, *, asks_for_larix: bool) -> int:
        """Say what a client of Guix does; the version of a larix that answers, else Guix's."""
        asked = ASKS_FOR_LARIX if asks_for_larix else 0
        self.channel.send(encode_u64(GUIX_VERSION | asked) + _NO_WISHES)
        if asks_for_larix:
            word = self.channel.reader.u64()
            if word >> 8 == 1:
                return self._announced(word)
            self.channel.reader.give_back(encode_u64(word))  # of Guix's first message
        return GUIX_VERSION

    def _agree_with_nix(self, spoken: int, version: int) -> None:
        channel, reader = self.channel, self.channel.reader
        self.dialect = dialect = self.dialect._replace(minor=spoken & 0xFF)
        channel.send(encode_u64(version))
        if dialect.minor >= 38:
            channel.send(TEXTS.write(tuple(sorted(FEATURES)), dialect))
            known = TEXTS.read(reader, dialect)
            self.dialect = dialect = dialect._replace(features=FEATURES.intersection(known))
        channel.send(_NO_WISHES)
        if dialect.minor >= 33:
            self.daemon = reader.string().decode("utf-8", "replace")
        if dialect.minor >= 35:
            self.is_trusted = {1: True, 2: False}.get(reader.u64())

    def knows(self, name: str) -> bool:
        """Whether the daemon has this operation."""
        return OPERATIONS[name].form(self.dialect) is not None

    def call(
        self,
        op: str,
        /,
        *,
        body: Iterable[bytes] | None = None,
        sink: Sink = ignore_events,
        data: Callable[[bytes], object] | None = None,
        **arguments: Any,
    ) -> Any:
        """Do one operation and give its reply. Raises RemoteError, or ConnectionLost."""
        try:
            form = self._request(op, arguments)
            if body is not None and form.body != PULLED:
                self._send_body(form, body)
            pieces = iter(body) if body is not None and form.body == PULLED else None
            self._hear(sink, data, pieces)
            return self._reply(form)
        except (BadWire, PeerGone) as error:
            raise ConnectionLost(
                tr(
                    "the connection to the daemon at `{name}` is lost: {error}",
                    name=self.transport.name,
                    error=error,
                ),
                hint=tr("run the command again"),
            ) from error

    def call_many(self, name: str, requests: Iterable[dict[str, Any]]) -> Iterator[Any]:
        """The replies to many requests of one kind, some of which are under way at a time.

        A failure of one is raised when its turn comes, and ends the rest.
        """
        waiting: list[Form] = []
        todo = iter(requests)
        try:
            while True:
                for arguments in todo:
                    waiting.append(self._request(name, arguments))
                    if len(waiting) >= _TOGETHER:
                        break
                if not waiting:
                    return
                form = waiting.pop(0)
                self._hear(ignore_events, None, None)
                yield self._reply(form)
        except (BadWire, PeerGone) as error:
            raise ConnectionLost(tr("the connection to the daemon is lost: {error}", error=error)) from error
        finally:
            for _ in waiting:
                self._skip()

    def _skip(self) -> None:
        """What was asked for and is not wanted any more cannot be told from what follows."""
        self.close()

    def _request(self, name: str, arguments: dict[str, Any]) -> Form:
        op = OPERATIONS[name]
        form = op.form(self.dialect)
        if form is None:
            raise RemoteError(
                tr(
                    "the daemon ({daemon}) has no operation `{name}`",
                    daemon=self.daemon or str(self.dialect),
                    name=name,
                )
            )
        self.channel.send(encode_u64(op.number) + form.write(arguments, self.dialect))
        return form

    def _send_body(self, form: Form, pieces: Iterable[bytes]) -> None:
        if form.body == FRAMES:
            for piece in pieces:
                for start in range(0, len(piece), _FRAME):
                    part = piece[start : start + _FRAME]
                    self.channel.send(encode_u64(len(part)) + part)
            self.channel.send(encode_u64(0))
        elif form.body == ARCHIVE:
            for piece in pieces:
                self.channel.send(piece)

    def _reply(self, form: Form) -> Any:
        if form.reply.archive:
            return archive(self.channel.reader)
        return form.reply.codec.read(self.channel.reader, self.dialect) if form.reply.codec else None

    def _hear(
        self, sink: Sink, data: Callable[[bytes], object] | None, pieces: Iterator[bytes] | None
    ) -> None:
        """Take what the daemon says until it is done. Raises RemoteError for a failure."""
        while True:
            match read_message(self.channel.reader, self.dialect):
                case Done():
                    return
                case Failure(text, status, name, hint):
                    raise _error(text, status, name, hint)
                case Line(text):
                    self.on_line(_shown(text).rstrip("\n"))
                case Ask(size):
                    self._give(pieces, size)
                case Data(piece):
                    if data is not None:
                        data(piece)
                case Told(_, kind, fields) if kind == LARIX_EVENT and fields and isinstance(fields[0], bytes):
                    sink(event_from_json(fields[0]))
                case Began() | Ended() | Told() as message:
                    event = self._event(message)
                    if event is not None:
                        sink(event)

    def _give(self, pieces: Iterator[bytes] | None, size: int) -> None:
        """A piece of what is pulled. Our pieces are never larger than what daemons ask for."""
        piece = next(pieces, b"") if pieces is not None else b""
        if len(piece) > size:
            raise BadWire(expected=tr("at most {size} bytes", size=size), found=f"{len(piece)}")
        self.channel.send(encode_string(piece))

    def _event(self, message: Began | Ended | Told) -> Event | None:
        """What Nix tells of a build, in our words."""
        match message:
            case Began(id, _, kind, _, fields) if kind == _BUILD and fields and isinstance(fields[0], bytes):
                drv = StorePath(fields[0].decode("ascii", "replace"))
                self._running[id] = drv
                return BuildStarted(drv)
            case Ended(id) if id in self._running:
                return BuildFinished(self._running.pop(id), 0.0)
            case Told(id, kind, fields) if id in self._running and fields and isinstance(fields[0], bytes):
                if kind == _LOG_LINE:
                    return BuildLog(self._running[id], fields[0])
                if kind == _SET_PHASE:
                    return BuildPhase(self._running[id], fields[0].decode("utf-8", "replace"))
            case _:
                pass
        return None


def _error(text: bytes, status: int, name: str, hint: bytes) -> LarixError:
    message = _shown(text)
    if name == "PathNotValid":
        path = message.partition("`")[2].partition("`")[0]
        return PathNotValid(path)
    return RemoteError(message, hint=_shown(hint) or None, exit_code=status or 1, kind=name)


def _shown(text: bytes) -> str:
    """Without the colours that daemons of Nix give their words: where they are shown may be no terminal."""
    return _COLOUR.sub(b"", text).decode("utf-8", "replace")
