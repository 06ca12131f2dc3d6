from __future__ import annotations

import os
import pty
import subprocess
import sys
import textwrap

import pytest

from larix.cli.progress import LinesProgress, printable
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

DRV = StorePath(f"/larix/store/{'0' * 32}-hello-1.drv")
OTHER = StorePath(f"/larix/store/{'1' * 32}-other-2.drv")
URL = "https://example.org/hello-1.tar.gz"
STORY = [
    BuildStarted(DRV, "/larix/var/log/hello.gz"),
    DownloadStarted(URL, 10),
    DownloadProgress(URL, 5, 10),
    DownloadFinished(URL, 10, 0.5),
    BuildPhase(DRV, "configure"),
    BuildLog(DRV, b"checking for cc"),
    BuildPhase(DRV, "configure", 1.25),
    BuildPhase(DRV, "check"),
    BuildLog(DRV, b"FAIL: \x1b[31mtest\x1b[0m 1"),
]
FAILED = BuildFailed(DRV, LarixError("no"))


def told(capsys, verbosity, *events):
    sink = LinesProgress(verbosity, lambda file: file.replace("/larix", "/home/u"))
    for event in events:
        sink(event)
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()


def test_quiet_tells_failures_alone(capsys):
    assert told(capsys, 0, *STORY, BuildFinished(DRV, 2.0)) == []
    assert told(capsys, 0, *STORY, FAILED) == [
        "last lines of the log, in phase `check':",
        "  checking for cc",
        "  FAIL: test 1",
        f"build of {DRV} failed",
        "View build log at '/home/u/var/log/hello.gz'.",
    ]


def test_lines_for_scripts(capsys):
    assert told(capsys, 1, *STORY, BuildFinished(DRV, 2.0)) == [
        f"building {DRV}...",
        f"successfully built {DRV}",
    ]
    assert told(capsys, 2, *STORY)[1] == f"downloading from {URL} ..."


def test_logs_with_their_phases_are_told_once(capsys):
    lines = told(capsys, 3, *STORY, FAILED)
    assert lines[2:] == [
        "starting phase `configure'",
        "checking for cc",
        "phase `configure' took 1.2 seconds",
        "starting phase `check'",
        "FAIL: test 1",
        f"build of {DRV} failed",
        "View build log at '/home/u/var/log/hello.gz'.",
    ]


def test_only_the_end_of_a_long_log_is_repeated(capsys):
    log = [BuildLog(DRV, b"line %d" % number) for number in range(100)]
    lines = told(capsys, 1, BuildStarted(DRV), *log, FAILED)
    assert lines[1] == "last lines of the log:"
    assert lines[2:-1] == [f"  line {number}" for number in range(88, 100)]


def test_rounds_and_waiting_are_told(capsys):
    assert told(capsys, 1, BuildStarted(DRV, None, 2)) == [f"building {DRV}... (round 2)"]
    (line,) = told(capsys, 1, BuildWaiting(DRV, DRV, 77, "ada"))
    assert line == f"waiting for {DRV}, which is being built by process 77 of ada..."
    (line,) = told(capsys, 1, BuildWaiting(DRV, DRV, for_user=True))
    assert line == f"waiting for a build user to be free for {DRV}..."


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain", "plain"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"10%\r20%\r30%", "30%"),
        (b"bell\x07 and title \x1b]0;x", "bell\\x07 and title \\x1b]0;x"),
        (b"caf\xc3\xa9 \xff", "café \\xff"),
        (b"a\tb", "a\tb"),
    ],
)
def test_a_log_cannot_take_over_the_terminal(line, shown):
    assert printable(line) == shown


LIVE = textwrap.dedent("""
    import sys
    sys.path[:0] = [{source!r}, {tests!r}]
    from test_progress import FAILED, STORY, DRV, OTHER
    from larix.cli.progress import watching
    from larix.protocol import BuildFinished
    with watching({verbosity}, planned=[DRV, OTHER]) as sink:
        for event in STORY:
            sink(event)
        sink({last})
    print("after", file=sys.stderr)
""")


def on_a_terminal(last, verbosity=1, **variables):
    """What a program's standard error, a pseudo terminal, is sent."""
    here = os.path.dirname(__file__)
    source = os.path.join(os.path.dirname(os.path.dirname(here)), "src")
    master, slave = pty.openpty()
    environment = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "COLUMNS": "80",
        "LINES": "24",
        "LANG": "C.UTF-8",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE.format(source=source, tests=here, verbosity=verbosity, last=last)],
        stderr=slave,
        env=environment | variables,
    )
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(master)
    assert process.wait() == 0
    return text.decode()


def test_live_view_names_builds_and_ends_with_a_clean_terminal():
    text = on_a_terminal("BuildFinished(DRV, 2.0)")
    assert "hello-1" in text
    assert "\x1b[32m✓" in text
    assert "2.0s" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
    assert text.rstrip().endswith("after")


def test_live_view_shows_why_a_build_failed():
    text = on_a_terminal("FAILED")
    assert "in phase `check'" in text
    assert "FAIL: test 1" in text
    assert "View build log at" in text


def test_no_colour_when_declined_and_no_live_view_on_a_dumb_terminal():
    assert "\x1b[32m" not in on_a_terminal("BuildFinished(DRV, 2.0)", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal("BuildFinished(DRV, 2.0)", TERM="dumb")
    assert "\x1b" not in on_a_terminal("BuildFinished(DRV, 2.0)", INSIDE_EMACS="29.1,comint")
