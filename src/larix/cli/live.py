"""The live view: a line for each running build and download, and how far all is; what is done scrolls away.

    ✓ sed-4.9  41s
    ⠹ hello-2.10   configure     12s of 30s
    ⠹ grep-3.11    check       1m02s
    ↓ gawk-5.3.tar.xz   ██████░░░░░░░░  41%   1.4 of 3.4 MB   820 kB/s
    3 of 7 done, 2 running; about 2m to go

Events come from the building thread and only change what is known; a second thread draws, some ten times a
second, so that a build that writes much waits for no terminal.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.cli.history import History, open_history
from larix.cli.progress import Running, failure_lines, phase_line, printable, short_name, waiting_line
from larix.cli.screen import Piece, Screen, columns_of, cut, is_unicode_wanted, put_away_when_stopped
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

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from larix.formats.storepath import StorePath

__all__ = ["LiveProgress"]

_SHOWN_AT_ONCE = 12
_REDRAW_SECONDS = 0.1
_SPEED_SECONDS = 4.0  # the time over which the speed of a download is measured
_WIDEST_BAR = 24
_MOST_WAITING = 2000  # lines; who writes more than a terminal can show loses the oldest

_BOLD, _DIM, _GREEN, _RED, _CYAN = "1", "2", "32", "31", "36"


class _Signs(NamedTuple):
    spinner: str
    done: str
    failed: str
    download: str
    full: str
    empty: str
    mark: str


_UNICODE = _Signs("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "✗", "↓", "█", "░", "…")
_ASCII = _Signs("|/-\\", "*", "!", "<", "#", ".", "...")


class _Build(NamedTuple):
    started: float
    round: int
    expected: float | None


class _Download:
    """`samples` are the latest times with what had come, for the speed."""

    def __init__(self, total: int | None, now: float) -> None:
        self.total = total
        self.done = 0
        self._samples = [(now, 0)]

    def take(self, done: int, total: int | None, now: float) -> None:
        self.done = done
        self.total = total or self.total
        self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] < now - _SPEED_SECONDS:
            del self._samples[0]

    def speed(self, now: float) -> float | None:
        """Bytes a second; None before that can be told."""
        start, before = self._samples[0]
        return (self.done - before) / (now - start) if now - start > 0.5 else None


class LiveProgress:
    """The sink of a live view. `planned` are the derivations of the plan, `jobs` how many run at a time."""

    def __init__(
        self,
        verbosity: int,
        on_host: Callable[[str], str],
        planned: Sequence[StorePath],
        jobs: int = 1,
        history: History | None = None,
    ) -> None:
        self._verbosity = verbosity
        self._on_host = on_host
        self._jobs = max(jobs, 1)
        self._history = history or open_history()
        self._to_do = dict.fromkeys(planned)
        self._counted = {(drv, 1) for drv in self._to_do}  # and the round; more may come than was planned
        self._finished = 0
        self._failed = 0
        self._is_ending = False
        self._running = Running()
        self._builds: dict[StorePath, _Build] = {}
        self._downloads: dict[str, _Download] = {}
        self._fetched: set[StorePath] = set()  # derivations that are downloads, shown as such
        self._signs = _UNICODE if is_unicode_wanted() else _ASCII
        self._screen = Screen(2, styled=diagnostics.colour_wanted(), mark=self._signs.mark)
        self._waiting: list[str] = []  # lines to be shown above
        self._lock = threading.RLock()
        self._over = threading.Event()

    @contextlib.contextmanager
    def shown(self) -> Generator[None]:
        drawing = threading.Thread(target=self._keep_drawing, name="progress", daemon=True)
        self._screen.start()
        with (
            put_away_when_stopped(self._screen, self._draw, self._interrupt, lock=self._lock),
            diagnostics.said_by(self._say),
        ):
            drawing.start()
            try:
                yield
            finally:
                self._over.set()
                drawing.join()
                with self._lock:
                    self._draw(over=True)
                    self._screen.stop()

    def _interrupt(self) -> None:
        self._is_ending = True

    def _keep_drawing(self) -> None:
        while not self._over.wait(_REDRAW_SECONDS):
            self._draw()

    def _draw(self, *, over: bool = False) -> None:
        with self._lock:
            above, self._waiting = self._waiting, []
            columns, lines = self._screen.size()
            self._screen.draw(above, [] if over else self._block(columns, lines - 1))

    def _say(self, line: str) -> None:
        """Above what is drawn: a warning, or whatever else is said meanwhile."""
        with self._lock:
            self._waiting.append(line)
            del self._waiting[:-_MOST_WAITING]

    def _print(self, *pieces: Piece) -> None:
        self._say(self._screen.paint(*pieces))

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._take(event, time.monotonic())

    def _take(self, event: Event, now: float) -> None:
        if isinstance(event, BuildFailed):
            self._take_failure(event)
            return
        self._running.take(event)
        if isinstance(event, BuildLog):
            if self._verbosity >= 3:
                self._print(*self._of_build(event.drv), Piece(printable(event.line)))
        elif isinstance(event, BuildStarted):
            expected = self._history.expected(short_name(event.drv))
            self._counted.add((event.drv, event.round))
            self._to_do[event.drv] = None
            self._builds[event.drv] = _Build(now, event.round, expected)
        elif isinstance(event, BuildFinished):
            self._take_finish(event)
        elif isinstance(event, BuildPhase):
            if self._verbosity >= 3 and event.seconds is None:
                self._print(*self._of_build(event.drv), Piece(phase_line(event), _BOLD))
        elif isinstance(event, BuildWaiting):
            self._print(Piece(waiting_line(event), _DIM))
        else:
            self._take_download(event, now)

    def _of_build(self, drv: StorePath) -> tuple[Piece, ...]:
        """Which build a line is of, where several write at a time."""
        return (Piece(f"{short_name(drv)}> ", _DIM),) if len(self._shown_builds()) > 1 else ()

    def _take_finish(self, event: BuildFinished) -> None:
        self._builds.pop(event.drv, None)
        self._to_do.pop(event.drv, None)
        self._finished += 1
        if event.drv not in self._fetched:
            name = short_name(event.drv)
            self._history.record(name, event.seconds)
            self._print(
                Piece(self._signs.done, _GREEN), Piece(f" {name}"), Piece(f"  {_clock(event.seconds)}", _DIM)
            )

    def _take_failure(self, event: BuildFailed) -> None:
        known = self._builds.pop(event.drv, None)
        self._to_do.pop(event.drv, None)
        self._failed += 1
        after = f"  {_clock(time.monotonic() - known.started)}" if known else ""
        self._print(Piece(self._signs.failed, _RED), Piece(f" {short_name(event.drv)}"), Piece(after, _DIM))
        for line in failure_lines(self._running, event, self._on_host, verbosity=self._verbosity):
            self._print(Piece(line))
        self._running.take(event)

    def _take_download(
        self, event: DownloadStarted | DownloadProgress | DownloadFinished, now: float
    ) -> None:
        if isinstance(event, DownloadStarted):
            if self._verbosity >= 2:
                self._print(Piece(tr("downloading from {url} ...", url=event.url)))
            if event.drv is not None:
                self._fetched.add(event.drv)
            self._downloads[event.url] = _Download(event.total, now)
        elif isinstance(event, DownloadProgress):
            known = self._downloads.setdefault(event.url, _Download(event.total, now))
            known.take(event.done, event.total, now)
        else:
            self._downloads.pop(event.url, None)
            took = f"  {_size(event.done)}, {_clock(event.seconds)}"
            self._print(
                Piece(self._signs.download, _GREEN), Piece(f" {_file_name(event.url)}"), Piece(took, _DIM)
            )

    # What is drawn.

    def _shown_builds(self) -> list[tuple[StorePath, _Build]]:
        return [(drv, build) for drv, build in self._builds.items() if drv not in self._fetched]

    def _block(self, columns: int, lines: int) -> list[list[Piece]]:
        now = time.monotonic()
        builds, downloads = self._shown_builds(), list(self._downloads.items())
        room = max(1, min(_SHOWN_AT_ONCE, lines - 2))
        shown = builds[: max(room - min(len(downloads), room // 2), 1)]
        fetched = downloads[: max(room - len(shown), 0)]
        block = [*self._build_lines(shown, columns, now), *self._download_lines(fetched, columns, now)]
        hidden = len(builds) + len(downloads) - len(shown) - len(fetched)
        if hidden > 0:
            block.append([Piece(plural("and {number} more", "and {number} more", hidden), _DIM)])
        if self._is_ending:
            block.append([Piece(tr("interrupted; ending what runs..."), _BOLD)])
        elif self._counted:
            block.append([Piece(self._summary(now), _DIM)])
        return block[: max(lines, 1)]

    def _build_lines(
        self, builds: Sequence[tuple[StorePath, _Build]], columns: int, now: float
    ) -> list[list[Piece]]:
        sign = self._signs.spinner[int(now * 10) % len(self._signs.spinner)]
        names = [
            short_name(drv) + (tr(" (round {number})", number=build.round) if build.round > 1 else "")
            for drv, build in builds
        ]
        phases = [self._running.phases.get(drv, "") for drv, _ in builds]
        times = [_elapsed(now - build.started, build.expected) for _, build in builds]
        widths = _shared(columns - 3, [_widest(names), _widest(phases), _widest(times)])
        return [
            [
                Piece(f"{sign} ", _CYAN),
                Piece(_padded(name, widths[0], self._signs.mark)),
                Piece(
                    _padded(f"  {phase}" if widths[1] else "", widths[1] and widths[1] + 2, self._signs.mark),
                    _CYAN,
                ),
                Piece(f"  {passed:>{widths[2]}}" if widths[2] else "", _DIM),
            ]
            for name, phase, passed in zip(names, phases, times, strict=True)
        ]

    def _download_lines(
        self, downloads: Sequence[tuple[str, _Download]], columns: int, now: float
    ) -> list[list[Piece]]:
        names = [_file_name(url) for url, _ in downloads]
        is_narrow = columns < 64
        told = [_progress(download, now, brief=is_narrow) for _, download in downloads]
        bar = 0 if is_narrow else min(_WIDEST_BAR, columns // 5)
        widths = _shared(columns - 3 - (bar and bar + 2), [_widest(names), 0, _widest(told)])
        return [
            [
                Piece(f"{self._signs.download} ", _CYAN),
                Piece(_padded(name, widths[0], self._signs.mark)),
                *(self._bar(download, bar) if bar else ()),
                Piece(f"  {text:<{widths[2]}}" if widths[2] else "", _DIM),
            ]
            for name, text, (_, download) in zip(names, told, downloads, strict=True)
        ]

    def _bar(self, download: _Download, width: int) -> tuple[Piece, ...]:
        if not download.total:
            return (Piece("  " + self._signs.empty * width, _DIM),)
        full = min(width, width * download.done // download.total)
        return Piece(f"  {self._signs.full * full}", _CYAN), Piece(self._signs.empty * (width - full), _DIM)

    def _summary(self, now: float) -> str:
        parts = [tr("{finished} of {total} done", finished=self._finished, total=len(self._counted))]
        if self._failed:
            parts.append(plural("{number} failed", "{number} failed", self._failed))
        running = len(self._builds)
        if running:
            parts.append(plural("{number} running", "{number} running", running))
        told = ", ".join(parts)
        left, is_whole = self._time_left(now)
        if left < 1:
            return told
        if is_whole:
            return tr("{state}; about {time} to go", state=told, time=_clock(left, roughly=True))
        return tr("{state}; at least {time} to go", state=told, time=_clock(left, roughly=True))

    def _time_left(self, now: float) -> tuple[float, bool]:
        """By history, all jobs being busy; and whether it knows of every build."""
        work, longest, is_whole = 0.0, 0.0, True
        for drv in self._to_do:
            if drv in self._fetched:
                continue
            known = self._builds.get(drv)
            expected = known.expected if known else self._history.expected(short_name(drv))
            if expected is None:
                is_whole = False
                continue
            left = max(expected - (now - known.started), 0.0) if known else expected
            work += left
            longest = max(longest, left)
        return max(work / self._jobs, longest), is_whole


def _widest(texts: Sequence[str]) -> int:
    return max(map(columns_of, texts), default=0)


def _shared(room: int, wanted: list[int]) -> list[int]:
    """The widths of three columns, with two spaces between them: the second goes first, the first is cut."""
    name, middle, last = wanted

    def needed() -> int:
        return name + (middle and middle + 2) + (last and last + 2)

    if needed() > room:
        name = max(min(name, 16), name - (needed() - room))
    if needed() > room:
        middle = 0
        name = min(wanted[0], max(room - (last and last + 2), 8))
    if needed() > room:
        last = 0
        name = min(wanted[0], max(room, 1))
    return [name, middle, last]


def _padded(text: str, width: int, mark: str) -> str:
    text = cut(text, width, mark)
    return text + " " * (width - columns_of(text))


def _elapsed(seconds: float, expected: float | None) -> str:
    passed = _clock(seconds)
    if expected is None or expected < 1:
        return passed
    return tr("{passed} of {expected}", passed=passed, expected=_clock(expected, roughly=True))


def _progress(download: _Download, now: float, *, brief: bool) -> str:
    speed = download.speed(now)
    parts = [_size(download.done)]
    if download.total:
        share = min(100 * download.done // download.total, 100)
        amount = tr("{done} of {total}", done=_size(download.done), total=_size(download.total))
        parts = [f"{share:3}%"] if brief else [f"{share:3}%", amount]
    if speed is not None:
        parts.append(f"{_size(speed)}/s")
        if not brief and download.total and speed > 1 and download.total > download.done:
            parts.append(_clock((download.total - download.done) / speed, roughly=True))
    return "  ".join(parts)


def _file_name(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2] or url


def _clock(seconds: float, *, roughly: bool = False) -> str:
    if seconds < 60:
        return f"{seconds:.0f}s" if roughly or seconds >= 10 else f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m" if roughly and minutes >= 10 else f"{minutes}m{rest:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit != "MB" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
