"""Progress on standard error: event lines off a terminal, a live view on one.

Verbosity: 0 only failures, 1 what is built, 2 also what is downloaded from where, 3 also the builds' logs.
The lines off a terminal are made for scripts ("building DRV...", "successfully built DRV"); the live view, in
`larix.cli.live`, is made for people.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.formats.storepath import StorePath, name_part
from larix.protocol import (
    BuildFailed,
    BuildFinished,
    BuildLog,
    BuildPhase,
    BuildStarted,
    BuildWaiting,
    DownloadStarted,
    Event,
    Sink,
)
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.history import History

__all__ = [
    "LinesProgress",
    "Running",
    "failure_lines",
    "phase_line",
    "printable",
    "short_name",
    "waiting_line",
    "watching",
]

_KEPT_LINES = 12


class Running:
    """What is known of builds under way: the phase and the last lines of the log of each."""

    def __init__(self) -> None:
        self.phases: dict[StorePath, str] = {}
        self.log_files: dict[StorePath, str] = {}
        self._tails: dict[StorePath, deque[str]] = {}

    def take(self, event: Event) -> None:
        if isinstance(event, BuildStarted):
            self._tails[event.drv] = deque(maxlen=_KEPT_LINES)
            self.phases.pop(event.drv, None)
            if event.log_file:
                self.log_files[event.drv] = event.log_file
        elif isinstance(event, BuildLog):
            self._tails.setdefault(event.drv, deque(maxlen=_KEPT_LINES)).append(printable(event.line))
        elif isinstance(event, BuildPhase):
            if event.seconds is None:
                self.phases[event.drv] = event.phase
        elif isinstance(event, BuildFinished):
            self._tails.pop(event.drv, None)
            self.phases.pop(event.drv, None)

    def tail(self, drv: StorePath) -> list[str]:
        return list(self._tails.get(drv, ()))


def printable(line: bytes) -> str:
    """A log line that cannot take over the terminal: what a carriage return left, no control characters."""
    text = _in_host_terms(line).decode("utf-8", "backslashreplace").rstrip("\r\n").rpartition("\r")[2]
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\t" else f"\\x{ord(char):02x}" for char in _plain(text)
    )


def _in_host_terms(line: bytes) -> bytes:
    """A line of a traceback with the host's file and line, if the program it names was staged here."""
    places = sys.modules.get("larix.staging.places") if b'", line ' in line else None
    return line if places is None else places.translate(line)


def _plain(text: str) -> str:
    """`text` without colour sequences, which are the usual control characters of a log."""
    if "\x1b" not in text:
        return text
    import re

    return re.sub(r"\x1b\[[0-9;]*[mK]", "", text)


def short_name(drv: StorePath) -> str:
    return name_part(drv).removesuffix(".drv")


def waiting_line(event: BuildWaiting) -> str:
    from larix.store.waiting import Holder, shown_holder

    if event.for_user:
        return tr("waiting for a build user to be free for {drv}...", drv=event.drv)
    holder = shown_holder(Holder(event.holder, event.user, event.since))
    return tr("waiting for {drv}, which is being built by {holder}...", drv=event.drv, holder=holder)


def phase_line(event: BuildPhase) -> str:
    if event.seconds is None:
        return tr("starting phase `{phase}'", phase=event.phase)
    return tr("phase `{phase}' took {seconds:.1f} seconds", phase=event.phase, seconds=event.seconds)


def failure_lines(
    running: Running, event: BuildFailed, on_host: Callable[[str], str], *, verbosity: int
) -> list[str]:
    """The end of a failed build's log, unless it was shown, with its phase, and where the whole log is."""
    lines: list[str] = []
    tail = running.tail(event.drv) if verbosity < 3 else []
    if tail:
        phase = running.phases.get(event.drv)
        lines.append(
            tr("last lines of the log, in phase `{phase}':", phase=phase)
            if phase
            else tr("last lines of the log:")
        )
        lines += [f"  {line}" for line in tail]
    lines.append(tr("build of {drv} failed", drv=event.drv))
    log_file = running.log_files.get(event.drv)
    if log_file:
        lines.append(tr("View build log at '{log_file}'.", log_file=on_host(log_file)))
    return lines


class LinesProgress:
    """One line an event."""

    def __init__(self, verbosity: int, on_host: Callable[[str], str]) -> None:
        self._verbosity = verbosity
        self._on_host = on_host
        self._running = Running()
        self._fetched: set[StorePath] = set()

    @cached_property
    def _history(self) -> History:
        from larix.cli.history import open_history

        return open_history()

    def __call__(self, event: Event) -> None:
        self._running.take(event)
        if isinstance(event, DownloadStarted) and event.drv is not None:
            self._fetched.add(event.drv)
        if isinstance(event, BuildLog):
            if self._verbosity >= 3:
                diagnostics.say(printable(event.line))
        elif isinstance(event, BuildStarted):
            if self._verbosity >= 1:
                again = tr(" (round {number})", number=event.round) if event.round > 1 else ""
                diagnostics.say(tr("building {drv}...{again}", drv=event.drv, again=again))
        elif isinstance(event, BuildPhase):
            if self._verbosity >= 3:
                diagnostics.say(phase_line(event))
        elif isinstance(event, BuildFinished):
            if event.drv not in self._fetched:
                self._history.record(short_name(event.drv), event.seconds)
            if self._verbosity >= 1:
                diagnostics.say(tr("successfully built {drv}", drv=event.drv))
        elif isinstance(event, BuildFailed):
            for line in failure_lines(self._running, event, self._on_host, verbosity=self._verbosity):
                diagnostics.say(line)
        elif isinstance(event, BuildWaiting):
            if self._verbosity >= 1:
                diagnostics.say(waiting_line(event))
        elif isinstance(event, DownloadStarted) and self._verbosity >= 2:
            diagnostics.say(tr("downloading from {url} ...", url=event.url))


@contextlib.contextmanager
def watching(
    verbosity: int,
    *,
    on_host: Callable[[str], str] = str,
    planned: Sequence[StorePath] = (),
    jobs: int = 1,
) -> Generator[Sink]:
    """The sink fit for standard error; `planned` are the derivations to come, as far as that is known."""
    if verbosity > 0 and _is_live_terminal():
        from larix.cli.live import LiveProgress

        live = LiveProgress(verbosity, on_host, planned, jobs)
        with live.shown():
            yield live
    else:
        yield LinesProgress(verbosity, on_host)


def _is_live_terminal() -> bool:
    if os.environ.get("TERM", "dumb") == "dumb" or os.environ.get("INSIDE_EMACS"):
        return False
    try:
        return os.isatty(2)
    except OSError:
        return False
