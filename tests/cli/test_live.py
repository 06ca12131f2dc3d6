"""The live view, on a terminal of the test: what is shown of builds and downloads at a moment."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess

import pytest

from larix.cli import building, diagnostics, live
from larix.cli.building import Work
from larix.cli.history import History
from larix.cli.live import LiveProgress
from larix.errors import LarixError
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
)
from terminals import Terminal

URL = "https://example.org/source-1.tar.gz"


def drv(name):
    return StorePath(f"/larix/store/{'0' * 32}-{name}.drv")


HELLO, SED, SOURCE = drv("hello-2.10"), drv("sed-4.9"), drv("source-1.tar.gz")


class View:
    """A live view whose clock and terminal the test holds."""

    def __init__(self, monkeypatch, tmp_path, planned=(), *, columns=80, rows=24, verbosity=1, jobs=1):
        monkeypatch.setenv("LANG", "C.UTF-8")
        monkeypatch.delenv("LC_ALL", raising=False)
        monkeypatch.delenv("LC_CTYPE", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(live.time, "monotonic", lambda: self.now)
        self.now = 1000.0
        self.terminal = Terminal(columns, rows)
        self.history = History(str(tmp_path / "times"))
        self.sink = LiveProgress(verbosity, lambda file: f"/host{file}", planned, jobs, self.history)
        screen = self.sink._screen
        monkeypatch.setattr(screen, "_write", self.terminal.feed)
        monkeypatch.setattr(screen, "size", lambda: (self.terminal.columns, self.terminal.rows))

    def tell(self, *events, after=0.0):
        for event in events:
            self.sink(event)
        self.now += after

    @property
    def shown(self):
        self.sink._draw()
        assert self.terminal.overflows == 0
        return self.terminal.text


@pytest.fixture
def view(monkeypatch, tmp_path):
    return lambda *planned, **how: View(monkeypatch, tmp_path, planned, **how)


def test_builds_with_phase_and_time_and_how_far_all_is(view):
    seen = view(HELLO, SED, jobs=2)
    seen.tell(BuildStarted(HELLO), BuildPhase(HELLO, "configure"), after=5)
    seen.tell(BuildStarted(SED), BuildPhase(SED, "unpack"), after=65)
    assert seen.shown == [
        "⠋ hello-2.10  configure  1m10s",
        "⠋ sed-4.9     unpack     1m05s",
        "0 of 2 done, 2 running",
    ]
    seen.tell(BuildFinished(SED, 65.0), BuildPhase(HELLO, "configure", 70.0), BuildPhase(HELLO, "check"))
    assert seen.shown == ["✓ sed-4.9  1m05s", "⠋ hello-2.10  check  1m10s", "1 of 2 done, 1 running"]


def test_time_to_go_is_told_from_history(view):
    seen = view(HELLO, SED)
    seen.history.record("hello-2.9", 100)
    seen.history.record("sed-4.9", 300)
    seen.tell(BuildStarted(HELLO), after=40)
    assert seen.shown == ["⠋ hello-2.10  40s of 1m40s", "0 of 2 done, 1 running; about 6m00s to go"]
    seen.tell(BuildFinished(HELLO, 40.0))
    assert seen.history.expected("hello-2.10") == 40
    assert seen.shown[-1] == "1 of 2 done; about 5m00s to go"


def test_several_jobs_share_the_time_and_the_longest_counts(view):
    seen = view(HELLO, SED, drv("tar-1"), jobs=4)
    for name, seconds in (("hello-2.10", 100), ("sed-4.9", 300), ("tar-1", 50)):
        seen.history.record(name, seconds)
    assert seen.shown == ["0 of 3 done; about 5m00s to go"]


def test_what_history_does_not_know_makes_it_at_least(view):
    seen = view(HELLO, SED)
    seen.history.record("sed-4.9", 30)
    assert seen.shown == ["0 of 2 done; at least 30s to go"]


def test_downloads_with_bar_speed_and_time(view):
    seen = view(SOURCE)
    seen.tell(BuildStarted(SOURCE), DownloadStarted(URL, 4_000_000, SOURCE), after=1)
    seen.tell(DownloadProgress(URL, 1_000_000, 4_000_000))
    assert seen.shown == [
        "↓ source-1.tar.gz  ████░░░░░░░░░░░░   25%  1.0 MB of 4.0 MB  1.0 MB/s  3s",
        "0 of 1 done, 1 running",
    ]
    seen.tell(DownloadFinished(URL, 4_000_000, 4.0), BuildFinished(SOURCE, 4.1))
    assert seen.shown == ["↓ source-1.tar.gz  4.0 MB, 4.0s", "1 of 1 done"]
    assert seen.history.expected("source-1.tar.gz") is None, "the speed of a network tells nothing of builds"


def test_the_speed_is_that_of_the_last_seconds(view):
    seen = view()
    seen.tell(DownloadStarted(URL, None))
    for _ in range(20):
        seen.tell(DownloadProgress(URL, 0, None), after=1)
    for number in range(1, 11):
        seen.tell(DownloadProgress(URL, number * 50_000, None), after=1)
    (line,) = seen.shown
    assert line.startswith("↓ source-1.tar.gz  ░")
    assert line.endswith("500 kB  42 kB/s"), "the last 6 seconds have 5 pieces"


@pytest.mark.parametrize("columns", [1, 5, 10, 20, 30, 40, 50, 60, 79, 80, 120, 300])
@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_any_terminal_has_room_for_something(view, columns, rows):
    seen = view(HELLO, columns=columns, rows=rows)
    seen.history.record("hello-2.10", 1000)
    seen.tell(
        *(BuildStarted(drv(f"a-package-with-a-long-name-{number}")) for number in range(20)),
        BuildStarted(HELLO),
    )
    seen.tell(DownloadStarted(URL, 10), DownloadProgress(URL, 5, 10), after=3)
    assert 1 <= len(seen.shown) <= max(rows - 1, 1)


def test_a_narrow_terminal_loses_what_matters_least(view):
    shown = {}
    for columns in (80, 34, 24, 12):
        seen = view(columns=columns)
        seen.tell(BuildStarted(HELLO), BuildPhase(HELLO, "patch-source-shebangs"), after=12)
        shown[columns] = seen.shown[0]
    assert shown == {
        80: "⠋ hello-2.10  patch-source-shebangs  12s",
        34: "⠋ hello-2.10  12s",
        24: "⠋ hello-2.10  12s",
        12: "⠋ hello-2.…",
    }


def test_only_so_many_lines_are_shown_at_once(view):
    seen = view()
    seen.tell(*(BuildStarted(drv(f"n-{number}")) for number in range(30)))
    assert len(seen.shown) == 14
    assert seen.shown[-2:] == ["and 18 more", "0 of 30 done, 30 running"]


def test_builds_beyond_the_plan_are_counted(view):
    seen = view(HELLO)
    seen.tell(BuildStarted(HELLO, None, 2), after=3)
    assert seen.shown == ["⠋ hello-2.10 (round 2)  3.0s", "0 of 2 done, 1 running"]


def test_a_failure_is_told_with_its_phase_the_end_of_the_log_and_where_it_is(view):
    seen = view(HELLO, SED)
    seen.tell(BuildStarted(HELLO, "/log/hello.gz"), BuildPhase(HELLO, "check"), BuildStarted(SED), after=7)
    seen.tell(BuildLog(HELLO, b"FAIL: \x1b[31mone\x1b[0m"), BuildFailed(HELLO, LarixError("no")))
    assert seen.shown == [
        "✗ hello-2.10  7.0s",
        "last lines of the log, in phase `check':",
        "  FAIL: one",
        f"build of {HELLO} failed",
        "View build log at '/host/log/hello.gz'.",
        "⠋ sed-4.9  7.0s",
        "0 of 2 done, 1 failed, 1 running",
    ]


def test_logs_tell_whose_they_are_when_several_build(view):
    seen = view(verbosity=3)
    seen.tell(BuildStarted(HELLO), BuildPhase(HELLO, "build"), BuildLog(HELLO, b"cc hello.c"))
    seen.tell(BuildStarted(SED), BuildPhase(SED, "build"), BuildLog(SED, b"cc sed.c"), BuildLog(HELLO, b"ld"))
    assert seen.shown[:5] == [
        "starting phase `build'",
        "cc hello.c",
        "sed-4.9> starting phase `build'",
        "sed-4.9> cc sed.c",
        "hello-2.10> ld",
    ]


def test_quiet_levels(view):
    seen = view(verbosity=1)
    seen.tell(BuildStarted(HELLO), BuildLog(HELLO, b"cc"), DownloadStarted(URL, 10))
    assert not any("cc" in line or "downloading" in line for line in seen.shown)
    seen = view(verbosity=2)
    seen.tell(DownloadStarted(URL, 10))
    assert seen.shown[0] == f"downloading from {URL} ..."


def test_waiting_is_told(view):
    seen = view(columns=200)
    seen.tell(BuildWaiting(HELLO, HELLO, 77))
    assert "being built by process 77" in "".join(seen.shown)


def test_warnings_meanwhile_stand_above_and_nothing_stays_below(view):
    seen = view(HELLO)
    with seen.sink.shown():
        seen.tell(BuildStarted(HELLO))
        diagnostics.warning("watch out")
        assert not seen.terminal.is_cursor_shown
    assert seen.terminal.text == ["larix: warning: watch out"]
    assert seen.terminal.is_cursor_shown


def test_an_interruption_is_acknowledged_at_once(view):
    seen = view(HELLO)
    seen.tell(BuildStarted(HELLO))
    seen.sink._interrupt()
    assert seen.shown[-1] == "interrupted; ending what runs..."


def test_ascii_where_the_locale_has_no_more(view, monkeypatch, tmp_path):
    seen = view(HELLO)
    monkeypatch.setenv("LANG", "C")
    seen.sink = LiveProgress(1, str, [HELLO], 1, seen.history)
    monkeypatch.setattr(seen.sink._screen, "_write", seen.terminal.feed)
    monkeypatch.setattr(seen.sink._screen, "size", lambda: (30, 24))
    seen.tell(BuildStarted(drv("x" * 50 + "-1")), DownloadStarted(URL, 10), BuildFinished(HELLO, 1.0))
    assert "".join(seen.shown).isascii()


def drawn(shown, columns=80):
    """What a terminal shows that was sent this."""
    terminal = Terminal(columns)
    terminal.feed(shown.replace("\r\n", "\n"))
    return terminal


TERMINAL = {"TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "80", "LINES": "24"}


@pytest.mark.slow
def test_real_builds_leave_their_names_and_nothing_else(builder):
    terminal = drawn(builder.on_terminal("build", "-v1", "alpha", "beta", **TERMINAL))
    assert terminal.is_cursor_shown
    lines = [line for line in terminal.text if line.startswith("✓")]
    assert sorted(line.split("  ")[0] for line in lines) == ["✓ alpha-1.0", "✓ beta-1.0"]
    assert terminal.text[-1] in lines
    times = (builder.folder / "cache" / "larix" / "build-times").read_text()
    assert {line.split()[0] for line in times.splitlines()} == {"alpha-1.0", "beta-1.0"}


@pytest.mark.slow
def test_an_interrupted_build_leaves_a_clean_terminal(builder):
    (builder.folder / "packages" / "slow.py").write_text(
        "from small import simple\n"
        "slow = simple('slow', '1.0', arguments={'script': 'echo begun; while :; do sleep 1; done'})\n"
    )
    primary, secondary = pty.openpty()
    environment = builder.environment | TERMINAL
    process = builder.start("build", "slow", env=environment, stdout=subprocess.DEVNULL, stderr=secondary)
    os.close(secondary)
    shown = ""
    while "begun" not in shown:
        shown += os.read(primary, 4096).decode()
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # how a terminal says that its other side is gone
        while data := os.read(primary, 4096):
            shown += data.decode()
    os.close(primary)
    assert process.wait() == 130
    terminal = drawn(shown)
    assert terminal.is_cursor_shown
    assert terminal.text[-1] == "begun"


def test_a_plan_on_a_narrow_terminal_names_what_is_built(monkeypatch, capsys):
    """File names that would be broken in two help nobody."""
    monkeypatch.setattr(building.diagnostics, "terminal_columns", lambda: 60)
    work = Work((HELLO, SED), ())
    building.tell_work(work, dry_run=True, verbosity=1)
    told = capsys.readouterr().err
    assert told == "The following derivations would be built:\n  hello-2.10\n  sed-4.9\n\n"
    monkeypatch.setattr(building.diagnostics, "terminal_columns", lambda: 80)
    building.tell_work(work, dry_run=True, verbosity=1)
    assert f"  {HELLO}\n  {SED}\n" in capsys.readouterr().err
