"""What happens during a build, in the words that the client knows.

Nix from 1.20 on is told of activities, Guix of lines that begin with `@` when it has asked for them, older
ones of plain lines. A client that is larix gets each event as it is, in JSON, so that nothing is lost on the
way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.formats.storepath import name_part
from larix.protocol import (
    BuildFailed,
    BuildFinished,
    BuildLog,
    BuildPhase,
    BuildStarted,
    BuildWaiting,
    DownloadFinished,
    DownloadProgress,
    DownloadStarted,
)
from larix.protocol.dialect import BATCH, Dialect
from larix.protocol.eventtext import LARIX_EVENT, event_in_json
from larix.protocol.messages import Began, Ended, Line, Told, knows_activities
from larix.store.waiting import Holder, shown_holder

if TYPE_CHECKING:
    from larix.protocol import Event
    from larix.protocol.channel import Channel

__all__ = ["Teller"]

_INFO, _TALKATIVE = 3, 4
_FILE_TRANSFER, _BUILD = 101, 105
_LOG_LINE, _SET_PHASE, _PROGRESS = 101, 104, 105


class Teller:
    """A sink of build events for one session."""

    def __init__(self, channel: Channel, dialect: Dialect) -> None:
        self._channel = channel
        self._dialect = dialect
        self._last = 0
        self._open: dict[str, int] = {}
        self.build_trace = False
        self.multiplexed = False
        self.system = ""

    def line(self, text: str) -> None:
        """Something for the user."""
        self._channel.tell(Line(f"{text}\n".encode("utf-8", "surrogateescape")), self._dialect)
        self._channel.flush()

    def __call__(self, event: Event) -> None:
        if BATCH in self._dialect.features:
            self._channel.tell(Told(0, LARIX_EVENT, (event_in_json(event),)), self._dialect)
        elif knows_activities(self._dialect):
            self._tell_nix(event)
        elif self._dialect.is_guix:
            self._tell_guix(event)
        else:
            self._tell_plainly(event)
        self._channel.flush()

    def _begin(self, key: str, level: int, kind: int, text: str, fields: tuple[int | bytes, ...]) -> None:
        self._last += 1
        self._open[key] = self._last
        self._channel.tell(Began(self._last, level, kind, text.encode(), fields), self._dialect)

    def _result(self, key: str, kind: int, fields: tuple[int | bytes, ...]) -> None:
        if key in self._open:
            self._channel.tell(Told(self._open[key], kind, fields), self._dialect)

    def _end(self, key: str) -> None:
        if key in self._open:
            self._channel.tell(Ended(self._open.pop(key)), self._dialect)

    def _tell_nix(self, event: Event) -> None:
        match event:
            case BuildStarted(drv, _, number):
                fields = (drv.encode(), b"", number, 1)
                self._begin(drv, _INFO, _BUILD, f"building '{drv}'", fields)
            case BuildLog(drv, line):
                self._result(drv, _LOG_LINE, (line,))
            case BuildPhase(drv, phase, None):
                self._result(drv, _SET_PHASE, (phase.encode(),))
            case BuildFinished(drv) | BuildFailed(drv):
                self._end(drv)
            case BuildWaiting():
                self.line(_waiting(event))
            case DownloadStarted(url):
                self._begin(url, _TALKATIVE, _FILE_TRANSFER, f"downloading '{url}'", (url.encode(),))
            case DownloadProgress(url, done, total):
                self._result(url, _PROGRESS, (done, total or 0, 0, 0))
            case DownloadFinished(url):
                self._end(url)
            case _:
                pass

    def _tell_guix(self, event: Event) -> None:
        """The process that a build is known by is this one: there is one session for each client."""
        process = os.getpid()
        match event:
            case BuildLog(_, line):
                data = line + b"\n"
                if self.multiplexed:
                    data = b"@ build-log %d %d\n%s\n" % (process, len(data), data)
                self._channel.tell(Line(data), self._dialect)
            case BuildStarted(drv, log_file):
                self._trace(f"@ build-started {drv} - {self.system} {log_file or '-'} {process}")
            case BuildFinished(drv):
                self._trace(f"@ build-succeeded {drv} -")
            case BuildFailed(drv, error):
                self._trace(f"@ build-failed {drv} - {error.exit_code} {error.message.splitlines()[0]}")
            case DownloadStarted(url, total, drv):
                self._trace(f"@ download-started {drv or '-'} {url} {'-' if total is None else total}")
            case BuildWaiting():
                self.line(_waiting(event))
            case _:
                pass

    def _trace(self, text: str) -> None:
        if self.build_trace:
            self.line(text)

    def _tell_plainly(self, event: Event) -> None:
        match event:
            case BuildStarted(drv):
                self.line(f"building path(s) of `{drv}'")
            case BuildLog(_, line):
                self._channel.tell(Line(line + b"\n"), self._dialect)
            case BuildWaiting():
                self.line(_waiting(event))
            case _:
                pass


def _waiting(event: BuildWaiting) -> str:
    if event.for_user:
        return f"waiting for a build user to be free for `{name_part(event.path)}`"
    who = shown_holder(Holder(event.holder, event.user, event.since))
    return f"waiting for {who}, at `{name_part(event.path)}`"
