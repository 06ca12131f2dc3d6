"""Drawing at the bottom of a terminal: what stands there afterwards, whatever happened to it meanwhile."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.cli import screen as module
from larix.cli.screen import Piece, Screen, columns_of, cut, is_unicode_wanted
from terminals import Terminal


class Drawn:
    """A screen whose writes a terminal of the test gets."""

    def __init__(self, monkeypatch, columns=40, rows=10, *, styled=False):
        self.writes = 0
        self.terminal = Terminal(columns, rows)
        self.screen = Screen(-1, styled=styled)
        monkeypatch.setattr(self.screen, "_write", self._write)
        monkeypatch.setattr(self.screen, "size", lambda: (self.terminal.columns, self.terminal.rows))
        self.screen.start()
        self.writes = 0

    def _write(self, text):
        self.writes += 1
        self.terminal.feed(text)

    def draw(self, *block, above=()):
        self.screen.draw(above, [[Piece(line)] for line in block])
        return self.terminal.text


@pytest.fixture
def drawn(monkeypatch):
    return Drawn(monkeypatch)


def test_a_block_is_drawn_over_itself_and_taken_away(drawn):
    assert not drawn.terminal.is_cursor_shown
    assert drawn.draw("one", "two") == ["one", "two"]
    assert drawn.draw("1", "2", "3") == ["1", "2", "3"]
    assert drawn.draw("alone") == ["alone"]
    drawn.screen.stop()
    assert (drawn.terminal.text, drawn.terminal.column) == ([""], 0)
    assert drawn.terminal.is_cursor_shown


def test_lines_scroll_away_above(drawn):
    drawn.draw("block", "of two")
    assert drawn.draw("block", above=["first", "second"]) == ["first", "second", "block"]
    for number in range(20):
        drawn.draw(f"at {number}", "below", above=[f"line {number}"])
    drawn.screen.stop()
    assert drawn.terminal.text == ["first", "second", *(f"line {number}" for number in range(20))]


@pytest.mark.parametrize("width", [1, 39, 40, 41, 79, 80, 81, 200])
def test_long_lines_above_wrap_and_lose_nothing(drawn, width):
    drawn.draw("a", "b", "c")
    drawn.draw("a", above=["x" * width, "after"])
    drawn.screen.stop()
    assert "".join(drawn.terminal.text) == "x" * width + "after"


@pytest.mark.parametrize("width", [39, 40, 41, 80])
def test_styles_and_links_above_take_no_room(drawn, width):
    drawn.draw("a", "b")
    drawn.draw("a", above=[f"\x1b[1;31m\x1b]8;;file:///x\x1b\\{'x' * width}\x1b]8;;\x1b\\\x1b[0m"])
    drawn.screen.stop()
    assert "".join(drawn.terminal.text) == "x" * width


def test_a_tab_above_takes_its_room(drawn):
    assert drawn.draw("b", above=["a\tb"])[0] == "a       b"


def test_the_block_never_wraps_and_fits_the_terminal(drawn):
    assert drawn.draw("y" * 100, "日本" * 30)[0] == "y" * 38 + "…"
    assert drawn.terminal.overflows == 0
    assert len(drawn.draw(*map(str, range(30)))) == 9


def test_what_did_not_change_is_not_drawn(drawn):
    drawn.draw("same")
    before = drawn.writes
    drawn.draw("same")
    assert drawn.writes == before
    drawn.draw("same", above=["more"])
    assert drawn.writes == before + 1, "one write for one drawing"


@given(
    st.lists(st.integers(2, 60), max_size=8), st.lists(st.text("xy日", max_size=50), min_size=1, max_size=4)
)
def test_a_resized_terminal_keeps_what_is_above_and_nothing_else(widths, block):
    with pytest.MonkeyPatch.context() as patched:
        drawn = Drawn(patched, rows=100)
        drawn.draw(*block, above=["above"])
        for width in widths:
            drawn.terminal.resize(width)
            drawn.draw(*block)
        drawn.screen.stop()
        assert "".join(drawn.terminal.text) == "above"
        assert drawn.terminal.overflows == 0


def test_styles_only_where_they_are_wanted(monkeypatch):
    for styled, styles in ((True, {"32", "0"}), (False, set())):
        drawn = Drawn(monkeypatch, styled=styled)
        drawn.screen.draw([], [[Piece("green", "32"), Piece(" plain")]])
        assert drawn.terminal.text == ["green plain"]
        assert drawn.terminal.styles == styles


@pytest.mark.parametrize(
    ("text", "columns", "found"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("abc", 0, ""),
        ("", 0, ""),
    ],
)
def test_cut(text, columns, found):
    assert cut(text, columns) == found


@given(st.text("ab日é\u0301", max_size=20), st.integers(0, 30))
def test_what_is_cut_fits(text, columns):
    assert columns_of(cut(text, columns)) <= columns


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "C.utf8"}, True),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, False),
        ({}, False),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, False),
    ],
)
def test_letters_beyond_ascii_only_where_the_locale_has_them(monkeypatch, variables, wanted):
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_unicode_wanted() == wanted


PROGRAM = textwrap.dedent("""
    import signal, sys, time
    sys.path.insert(0, {source!r})
    from larix.cli.screen import Piece, Screen, put_away_when_stopped
    screen = Screen(2, styled=True)
    screen.start()
    draw = lambda: screen.draw([], [[Piece("drawn")]])
    with put_away_when_stopped(screen, draw, lambda: screen.draw(["told"], [])):
        try:
            draw()
            print("ready", flush=True)
            while True:
                signal.pause()
        finally:
            screen.stop()
""")


class Process:
    def __init__(self):
        source = str(Path(module.__file__).parents[2])
        self.primary, secondary = pty.openpty()
        # In a process group of its own: no signal of the terminal stops one whose shell is gone.
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(source=source)],
            stdout=subprocess.PIPE,
            stderr=secondary,
            process_group=0,
        )
        os.close(secondary)
        assert self.process.stdout.readline() == b"ready\n"

    def ended(self):
        """What the terminal shows when the process is over, and how that ended."""
        terminal = Terminal()
        shown = b""
        try:
            while data := os.read(self.primary, 4096):
                shown += data
        except OSError:
            pass
        os.close(self.primary)
        self.process.stdout.close()
        terminal.feed(shown.decode().replace("\r\n", "\n"))
        return terminal, self.process.wait()


@pytest.mark.parametrize(
    ("number", "status", "left"),
    [
        (signal.SIGTERM, 128 + signal.SIGTERM, [""]),
        (signal.SIGHUP, 128 + signal.SIGHUP, [""]),
        (signal.SIGINT, -signal.SIGINT, ["told"]),
    ],
)
def test_a_signal_leaves_a_clean_terminal(number, status, left):
    process = Process()
    process.process.send_signal(number)
    process.process.stderr = None
    terminal, ended = process.ended()
    assert ended == status
    assert terminal.is_cursor_shown
    assert terminal.text[: len(left)] == left
    assert "drawn" not in "".join(terminal.text)


def test_stopped_for_a_while_it_puts_the_drawing_away():
    process = Process()
    process.process.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(process.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    shown = os.read(process.primary, 4096).decode()
    terminal = Terminal()
    terminal.feed(shown)
    while not terminal.is_cursor_shown or terminal.text != [""]:
        terminal.feed(os.read(process.primary, 4096).decode())
    process.process.send_signal(signal.SIGCONT)
    while terminal.text != ["drawn"] or terminal.is_cursor_shown:
        terminal.feed(os.read(process.primary, 4096).decode())
    process.process.send_signal(signal.SIGTERM)
    assert process.ended()[1] == 128 + signal.SIGTERM
