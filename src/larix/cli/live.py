"""The live view: one redrawn line for each running build and download, finished ones scroll away above.

Importing this module imports rich, which takes a tenth of a second: only `progress.watching` does, and only
on a terminal. Events come from the building thread, a second one redraws; rich's own would redraw between the
steps of a print and leave torn lines behind, so both take one lock.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from larix.cli.progress import Running, failure_lines, phase_line, printable, short_name, waiting_line
from larix.formats.storepath import StorePath
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
    Event,
)
from larix.words import plural, tr

__all__ = ["LiveProgress"]

_SHOWN_AT_ONCE = 12
_BAR_WIDTH = 24
_REDRAW_SECONDS = 0.125


class _Build(NamedTuple):
    started: float
    spinner: Spinner
    round: int


class _Download(NamedTuple):
    started: float
    done: int
    total: int | None


class LiveProgress:
    def __init__(self, verbosity: int, on_host: Callable[[str], str], total: int | None) -> None:
        self._verbosity = verbosity
        self._on_host = on_host
        self._total = total
        self._finished = 0
        self._running = Running()
        self._builds: dict[StorePath, _Build] = {}
        self._downloads: dict[str, _Download] = {}
        self._console = Console(
            stderr=True, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None
        )
        self._live = Live(self, console=self._console, auto_refresh=False, transient=True)
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._fetched: set[StorePath] = set()  # derivations that are downloads, shown as such

    @contextlib.contextmanager
    def shown(self) -> Generator[None]:
        redrawing = threading.Thread(target=self._redraw, name="progress", daemon=True)
        with self._live, _ending_politely():
            redrawing.start()
            try:
                yield
            finally:
                self._over.set()
                redrawing.join()
                self._builds.clear()
                self._downloads.clear()

    def _redraw(self) -> None:
        while not self._over.wait(_REDRAW_SECONDS):
            with self._lock:
                self._live.refresh()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        self._running.take(event)
        if isinstance(event, BuildLog):
            if self._verbosity >= 3:
                self._print(Text(printable(event.line)))
        elif isinstance(event, BuildStarted):
            self._builds[event.drv] = _Build(time.monotonic(), Spinner("dots"), event.round)
        elif isinstance(event, BuildFinished):
            self._builds.pop(event.drv, None)
            self._finished += 1
            if event.drv not in self._fetched:
                took = (f"  {_clock(event.seconds)}", "dim")
                self._print(Text.assemble(("✓ ", "green"), short_name(event.drv), took))
        elif isinstance(event, BuildFailed):
            self._builds.pop(event.drv, None)
            self._print(Text.assemble(("✗ ", "red"), short_name(event.drv)))
            for line in failure_lines(self._running, event, self._on_host, verbosity=self._verbosity):
                self._print(Text(line))
        elif isinstance(event, BuildPhase):
            if self._verbosity >= 3 and event.seconds is None:
                self._print(Text(phase_line(event), style="bold"))
        elif isinstance(event, BuildWaiting):
            self._print(Text(waiting_line(event), style="dim"))
        else:
            self._take_download(event)

    def _take_download(self, event: DownloadStarted | DownloadProgress | DownloadFinished) -> None:
        now = time.monotonic()
        if isinstance(event, DownloadStarted):
            if self._verbosity >= 2:
                self._print(Text(tr("downloading from {url} ...", url=event.url)))
            if event.drv is not None:
                self._fetched.add(event.drv)
            self._downloads[event.url] = _Download(now, 0, event.total)
        elif isinstance(event, DownloadProgress):
            known = self._downloads.get(event.url, _Download(now, 0, event.total))
            self._downloads[event.url] = known._replace(done=event.done, total=event.total or known.total)
        else:
            self._downloads.pop(event.url, None)
            self._print(
                Text.assemble(
                    ("↓ ", "green"),
                    _file_name(event.url),
                    (f"  {_size(event.done)}, {_clock(event.seconds)}", "dim"),
                )
            )

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(*self._rows(options.max_width))

    def _rows(self, width: int) -> Iterator[RenderableType]:
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True, overflow="ellipsis", max_width=max(20, width // 2))
        rows.add_column(no_wrap=True)
        rows.add_column(no_wrap=True, justify="right")
        now = time.monotonic()
        builds = [(drv, build) for drv, build in self._builds.items() if drv not in self._fetched]
        for drv, build in builds[:_SHOWN_AT_ONCE]:
            label = Table.grid(padding=(0, 1, 0, 0))
            again = tr(" (round {number})", number=build.round) if build.round > 1 else ""
            label.add_row(build.spinner, Text(short_name(drv) + again, no_wrap=True, overflow="ellipsis"))
            phase = Text(self._running.phases.get(drv, ""), style="cyan")
            rows.add_row(label, phase, Text(_clock(now - build.started), style="dim"))
        for url, download in list(self._downloads.items())[:_SHOWN_AT_ONCE]:
            rows.add_row(
                Text(f"↓ {_file_name(url)}"), _bar(download), Text(_rate(download, now), style="dim")
            )
        yield rows
        hidden = len(builds) - _SHOWN_AT_ONCE
        if hidden > 0:
            yield Text(plural("and {number} more", "and {number} more", hidden), style="dim")
        if self._total:
            yield Text(
                tr("{finished} of {total} done", finished=self._finished, total=self._total), style="dim"
            )


@contextlib.contextmanager
def _ending_politely() -> Generator[None]:
    """Turn SIGTERM into an exit that passes through here: the cursor is hidden, and must come back."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bar(download: _Download) -> RenderableType:
    if not download.total:
        return ProgressBar(total=None, width=_BAR_WIDTH, pulse=True)
    return ProgressBar(total=download.total, completed=download.done, width=_BAR_WIDTH)


def _rate(download: _Download, now: float) -> str:
    seconds = now - download.started
    speed = f"  {_size(download.done / seconds)}/s" if seconds > 0.5 else ""
    whole = f"/{_size(download.total)}" if download.total else ""
    return f"{_size(download.done)}{whole}{speed}"


def _file_name(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2] or url


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit != "MB" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
