"""The conversation with one client, from its first word to its last.

    hello ► requests ► end

A request is read whole, then worked on while lines and progress go to the client, then answered by a reply or
a failure; either way the next one can follow. Only damage of the framing, an unknown operation, whose end
nobody knows, and our own bugs end the conversation. When the client goes away, what it waited for is given
up; when the session is told to end (SIGTERM) too, and who waits is told so.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from larix import __version__
from larix.builder.policy import Policy
from larix.daemon.access import Peer
from larix.daemon.handlers import handler_of
from larix.daemon.places import make_places
from larix.daemon.settings import Settings
from larix.daemon.telling import Teller
from larix.daemon.worklog import WorkLog
from larix.errors import LarixError
from larix.formats.errors import FormatError
from larix.formats.storepath import DEFAULT_STORE_DIR, StorePath
from larix.formats.wire import BadWire, encode_string, encode_u64
from larix.protocol import BuildOptions, Event
from larix.protocol.channel import Channel, PeerGone, archive, drain
from larix.protocol.dialect import (
    ASKS_FOR_LARIX,
    BATCH,
    CLIENT_MAGIC,
    FEATURES,
    NIX_VERSION,
    SERVER_MAGIC,
    Dialect,
    UnknownVersion,
    dialect_of,
)
from larix.protocol.messages import Done, Failure
from larix.protocol.ops import ARCHIVE, FRAMES, PULLED, Form, operation
from larix.protocol.values import TEXTS
from larix.store.local import LocalStore
from larix.store.waiting import Holder, name_process_for, shown_holder
from larix.words import tr

__all__ = ["Session", "preload"]

_TRUSTED, _NOT_TRUSTED = 1, 2
_LEAVE_SECONDS = 1.0
_DELETING = (2, 3)  # ways to collect garbage
_PRELOADED = (
    *("larix.builder.local", "larix.builder.realisation", "larix.builder.scheduler"),
    *("larix.store.gc", "larix.store.optimise", "larix.store.verify"),
)


class _Stopping(BaseException):
    """The session is told to end; raised wherever it happens to be, so nobody may take it for an error."""


def preload() -> None:
    """Load what sessions use, before any is forked: they share it, and none has to wait for it."""
    import gc
    from importlib import import_module

    for name in _PRELOADED:
        import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a session would write into each page that it shares


class Session:
    """Handlers get it as their first argument: the store, who the client is, what it has set."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        peer: Peer,
        settings: Settings,
        announced: int,
        open_store: Callable[[], LocalStore],
        log: Callable[[str], object] | None = None,
    ) -> None:
        self._socket = connection
        self.channel = Channel(self._receive, self._send)
        self.peer = peer
        self.settings = settings
        self.options = BuildOptions(
            max_jobs=settings.jobs,
            cores=settings.cores,
            timeout=settings.timeout,
            max_silent_time=settings.max_silent_time,
            rounds=max(settings.rounds, 1),
        )
        self._announced = announced
        self._open_store = open_store
        self._log = log or _log
        self._work = WorkLog(log or _say_nothing)  # without a log there is a user who sees it himself
        self._store: LocalStore | None = None
        self._is_client_gone = False
        self._is_stopping = False
        self._is_sending = False
        self._is_awaited = False  # the client is to hear either a failure or that all is done
        self.dialect: Dialect
        self.teller: Teller

    def _receive(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except ConnectionError as error:
            raise PeerGone("the connection was closed") from error

    def _send(self, data: bytes) -> None:
        """Whole, or nothing after it could be understood: who is told to end meanwhile ends afterwards."""
        was_stopping = self._is_stopping
        self._is_sending = True
        try:
            self._socket.sendall(data)
        except ConnectionError as error:
            raise PeerGone("the connection was closed") from error
        finally:
            self._is_sending = False
        if self._is_stopping and not was_stopping:
            raise _Stopping

    def _stop(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what tidies up after that must not be interrupted
        self._is_stopping = True
        if not self._is_sending:
            raise _Stopping

    @property
    def store(self) -> LocalStore:
        """Opened for each session: directories may have been made anew since the daemon started."""
        return self._store if self._store is not None else self._open()

    def _open(self) -> LocalStore:
        self._store = store = self._open_store()
        store.keep_space(self.settings.space, self._log)
        store.deduplicate(on=self.settings.deduplicate)
        store.on_wait = self._tell_wait
        return store

    @property
    def policy(self) -> Policy:
        """The operator's, for this client: what a failed build leaves is the client's, if there is a user.

        Nix has no use for logs in gzip, which Guix writes: it looks for bzip2 or plain text.
        """
        policy = self.settings.policy
        if self.peer.uid is not None and self.peer.gid is not None:
            policy = policy._replace(kept_for=(self.peer.uid, self.peer.gid))
        is_nix = not self.dialect.is_guix and BATCH not in self.dialect.features
        if is_nix and self.settings.log_compression == "auto":
            policy = policy._replace(log_compression="bzip2")
        return policy

    def tell(self, event: Event) -> None:
        """What happens to a build."""
        self._work(event)
        self.teller(event)

    def _tell_wait(self, path: StorePath, holder: Holder) -> None:
        self.teller.line(f"waiting for {shown_holder(holder)}, at `{path}`")

    def run(self) -> None:
        """Talk until the client has no more to say or is gone."""
        if self.peer.uid is not None:
            name_process_for(self.peer.uid)
        try:
            try:
                signal.signal(signal.SIGTERM, self._stop)
                self._converse()
            except _Stopping:
                self._tell_stop()
        except PeerGone:
            return
        finally:
            self._work.close()
            if self._store is not None:
                self._store.close()

    def _converse(self) -> None:
        if self._greet():
            self._watch_client()
            while not self._is_stopping and not self.channel.reader.is_at_end():
                if not self._serve():
                    break
        self.channel.flush()

    def _tell_stop(self) -> None:
        """Who still sends would be told of a broken pipe instead: what comes is taken for a moment."""
        if not self._is_awaited:
            self.channel.flush()
            return
        error = LarixError(tr("the daemon is stopping"), hint=tr("run the command again when it is back"))
        self._end(error)
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(_LEAVE_SECONDS)
        until = time.monotonic() + _LEAVE_SECONDS
        with suppress(TimeoutError):
            while time.monotonic() < until and self._receive(1 << 16):
                pass

    # The beginning

    def _greet(self) -> bool:
        """Agree on what is spoken; false when there is nothing to agree on.

        Who cannot be served is told why where the greeting ends. What is wrong with the store is raised then.
        """
        reader, channel = self.channel.reader, self.channel
        if reader.is_at_end():
            return False
        if reader.u64() != CLIENT_MAGIC:
            return False
        channel.send(encode_u64(SERVER_MAGIC) + encode_u64(self._announced))
        channel.flush()
        version = reader.u64()
        if version & ASKS_FOR_LARIX:
            version = self._be_larix()
        problem = refusal = self._store_problem()
        store_dir = DEFAULT_STORE_DIR if problem is not None else self.store.store_dir
        try:
            self.dialect = dialect_of(store_dir, self._announced, version)
        except UnknownVersion as error:
            refusal = error
            self.dialect = Dialect(store_dir, "nix", min(version & 0xFF, 0x26))
        dialect = self.dialect
        if not dialect.is_guix and dialect.minor >= 38:
            offered = TEXTS.read(reader, dialect)
            channel.send(TEXTS.write(tuple(sorted(FEATURES)), dialect))
            self.dialect = dialect = dialect._replace(features=FEATURES.intersection(offered))
        if dialect.minor >= 14 and reader.u64():
            reader.u64()  # a processor to run on
        if dialect.minor >= 11:
            reader.u64()  # whether to reserve space
        if not dialect.is_guix and dialect.minor >= 33:
            channel.send(encode_string(f"larix {__version__}".encode()))
        if not dialect.is_guix and dialect.minor >= 35:
            channel.send(encode_u64(_TRUSTED if self.peer.is_trusted else _NOT_TRUSTED))
        if refusal is not None:
            channel.tell(_failure(refusal, dialect), dialect)
            channel.flush()
            if problem is not None:
                raise problem
            return False
        self._make_places()
        self.teller = Teller(channel, dialect)
        channel.tell(Done(), dialect)
        channel.flush()
        return True

    def _be_larix(self) -> int:
        """Begin again with a larix that was told another version; the one it gives now."""
        for _ in range(2):  # what belongs to a greeting of Guix
            self.channel.reader.u64()
        self._announced = NIX_VERSION
        self.channel.send(encode_u64(NIX_VERSION))
        return self.channel.reader.u64()

    def _store_problem(self) -> LarixError | None:
        """Open the store; why it cannot be had, if so."""
        try:
            self._open()
        except LarixError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the client waits for an answer
            traceback.print_exc(file=sys.stderr)
            return _bug(error)
        return None

    def _make_places(self) -> None:
        """On a full disk there may be no room for them, and yet a collection to be asked for."""
        try:
            make_places(self.store.layout, self.peer)
        except OSError as error:
            self._log(f"cannot make the folders of {self.peer.name}: {error.strerror}")

    def _watch_client(self) -> None:
        """Have a signal come when the client hangs up, so that a build which says nothing ends too."""
        connection = self._socket

        signal.signal(signal.SIGIO, lambda _number, _frame: self._look())
        fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())

    def _look(self) -> None:
        # A local client that is gone has hung up in both directions; it may well say nothing more and listen.
        gone = select.POLLHUP if self._socket.family == socket.AF_UNIX else select.POLLRDHUP
        poll = select.poll()
        poll.register(self._socket, gone)
        if any(event & gone for _, event in poll.poll(0)):
            # Once: what tidies up after that must not be interrupted again.
            signal.signal(signal.SIGIO, signal.SIG_IGN)
            self._is_client_gone = True
            raise PeerGone("the client has gone")

    def _alert(self, *, on: bool) -> None:
        flags = fcntl.fcntl(self._socket, fcntl.F_GETFL)
        fcntl.fcntl(self._socket, fcntl.F_SETFL, flags | os.O_ASYNC if on else flags & ~os.O_ASYNC)
        if on:
            self._look()

    # Requests

    def _serve(self) -> bool:
        """Answer one request; false when the conversation cannot go on."""
        reader = self.channel.reader
        try:
            number = reader.u64()
            self._is_awaited = True
            op = operation(number)
            form = op.form(self.dialect) if op is not None else None
            if op is None or form is None:
                name = f"`{op.name}`" if op is not None else f"number {number}"
                return self._end(
                    BadWire(expected=tr("an operation of {dialect}", dialect=self.dialect), found=name)
                )
            refusal: LarixError | None = None
            arguments: dict[str, Any] = {}
            try:
                arguments = form.read(reader, self.dialect)
            except BadWire:
                raise
            except FormatError as error:
                refusal = error
            return self._answer(op.name, form, arguments, refusal)
        except BadWire as error:
            return self._end(error)

    def _answer(self, name: str, form: Form, arguments: dict[str, Any], refusal: LarixError | None) -> bool:
        body = self._body(form)
        if body is not None:
            arguments["body"] = body
        try:
            value = self._handle(name, arguments, refusal, has_body=body is not None)
            if body is not None:
                drain(body)
        except (PeerGone, BadWire):
            raise
        except LarixError as error:
            self._raise_what_came(error)
            if body is not None and form.body != PULLED:
                drain(body)
            self.channel.tell(_failure(error, self.dialect), self.dialect)
            self._is_awaited = False
        except Exception as error:  # noqa: BLE001 - the client waits for an answer
            self._raise_what_came(error)
            traceback.print_exc(file=sys.stderr)
            return self._end(_bug(error))
        else:
            self._is_awaited = False
            self.channel.tell(Done(), self.dialect)
            if form.reply.codec is not None:
                self.channel.send(form.reply.codec.write(value, self.dialect))
            elif form.reply.archive:
                for piece in value:
                    self.channel.send(piece)
        self.channel.flush()
        return True

    def _raise_what_came(self, error: Exception) -> None:
        """A signal came in the middle of something, which then failed in its own way."""
        if self._is_client_gone:
            raise PeerGone("the client has gone") from error
        if self._is_stopping:
            raise _Stopping from error

    def _handle(
        self, name: str, arguments: dict[str, Any], refusal: LarixError | None, *, has_body: bool
    ) -> Any:
        if refusal is not None:
            raise refusal
        if has_body:
            return handler_of(name)(self, **arguments)
        self._alert(on=True)
        try:
            value = handler_of(name)(self, **arguments)
        finally:
            self._alert(on=False)
        if name == "collect_garbage" and arguments["action"] in _DELETING:
            paths, bytes_freed = value
            self._work.collected(len(paths), bytes_freed)
        return value

    def _body(self, form: Form) -> Iterator[bytes] | None:
        if form.body == FRAMES:
            return self.channel.reader.frames()
        if form.body == ARCHIVE:
            return archive(self.channel.reader)
        if form.body == PULLED:
            return self.channel.pulled(self.dialect)
        return None

    def _end(self, error: LarixError) -> bool:
        """Say why the conversation ends."""
        self.channel.tell(_failure(error, self.dialect), self.dialect)
        self.channel.flush()
        return False


def _log(text: str) -> None:
    print(f"larix daemon: {text}", file=sys.stderr, flush=True)


def _say_nothing(text: str) -> None:
    del text


def _bug(error: Exception) -> LarixError:
    return LarixError(tr("a bug of the daemon: {name}: {error}", name=type(error).__name__, error=error))


def _failure(error: LarixError, dialect: Dialect) -> Failure:
    """What a client is told. Those that are not larix show hints to nobody, unless they stand in the text."""
    text, hint = str(error), error.hint or ""
    if hint and BATCH not in dialect.features:
        text = f"{text}\nhint: {hint}"
    return Failure(
        text.encode("utf-8", "surrogateescape"),
        error.exit_code,
        type(error).__name__,
        hint.encode("utf-8", "surrogateescape"),
    )
