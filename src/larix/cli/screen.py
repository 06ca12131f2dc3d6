"""The bottom of a terminal, drawn over and over, while lines scroll away above it.

A drawing is one write, and what did not change is not drawn, so nothing flickers. Lines are cut to the width
there is at that moment, so that none wraps. When a terminal became narrower, it has wrapped what it showed;
the rows that takes now are counted, and taken back.

Whoever ends it, `stop` leaves the terminal as if there had been no drawing: no line, and a cursor.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

__all__ = ["Piece", "Screen", "columns_of", "cut", "is_unicode_wanted", "put_away_when_stopped"]

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # terminals that know it show all in between at once
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")  # styles and links
_CLEAR_LINE, _CLEAR_BELOW = "\x1b[K", "\x1b[J"


class Piece(NamedTuple):
    """A part of a line in one style: the numbers of a "select graphic rendition", or none."""

    text: str
    style: str = ""


def columns_of(text: str) -> int:
    """How wide a text is where each letter has a column, and those of East Asia two."""
    if text.isascii():
        return len(text)
    return sum(_letter_columns(letter) for letter in text)


def _letter_columns(letter: str) -> int:
    return 0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut(text: str, columns: int, mark: str = "…") -> str:
    """`text` in so many columns; `mark` stands for what is missing."""
    if columns_of(text) <= columns:
        return text
    room = columns - len(mark)
    if room < 1:
        return mark[: max(columns, 0)]
    taken = 0
    for index, letter in enumerate(text):
        taken += _letter_columns(letter)
        if taken > room:
            return text[:index] + mark
    return text


def is_unicode_wanted() -> bool:
    """Whether the terminal shows more than ASCII, as far as the locale tells; Linux's own has few letters."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((name for name in names if name), "")
    is_utf8 = locale.lower().replace("-", "").endswith("utf8")
    return is_utf8 and os.environ.get("TERM") != "linux"


class Screen:
    """Draws on the terminal that `descriptor` is; `styled` tells whether it may use colours."""

    def __init__(self, descriptor: int, *, styled: bool, mark: str = "…") -> None:
        self._descriptor = descriptor
        self._styled = styled
        self._mark = mark
        self._drawn: list[int] = []  # the columns of each line that stands there
        self._last: tuple[object, ...] = ()
        self._is_on = False

    def size(self) -> tuple[int, int]:
        """Columns and lines; COLUMNS and LINES count where the terminal does not say."""
        with contextlib.suppress(OSError):
            columns, lines = os.get_terminal_size(self._descriptor)
            if columns > 0 and lines > 0:
                return columns, lines
        given = (os.environ.get("COLUMNS", ""), os.environ.get("LINES", ""))
        columns, lines = (int(text) if text.isdigit() and int(text) else 0 for text in given)
        return columns or 80, lines or 24

    def start(self) -> None:
        self._write(_HIDE)
        self._is_on = True

    def draw(self, above: Sequence[str], block: Sequence[Sequence[Piece]]) -> None:
        """Let the lines `above` scroll away, and show `block` below them."""
        columns, lines = self.size()
        block = [self._fitted(line, columns - 1) for line in block[: max(lines - 1, 1)]]
        state = (columns, block)
        if not above and state == self._last:
            return
        text = [_BEGIN, self._back_to_top(columns)]
        if self._last and columns != self._last[0]:
            text.append(
                _CLEAR_BELOW
            )  # else the terminal goes on to think of rows as one line that it wrapped
        self._last = state
        for line in above:
            shown = line.expandtabs()
            width = columns_of(_SEQUENCE.sub("", shown))
            # On a row that is full, clearing the rest would take its last letter.
            text.append(f"{shown}{_CLEAR_LINE if width == 0 or width % columns else ''}\n")
        text.append("\n".join("".join(map(self._painted, line)) + _CLEAR_LINE for line in block))
        text += [_CLEAR_BELOW, _END]
        self._drawn = [sum(columns_of(piece.text) for piece in line) for line in block]
        self._write("".join(text))

    def _back_to_top(self, columns: int) -> str:
        """From the end of the last line that was drawn to the beginning of the first."""
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        return "\r" + (f"\x1b[{rows - 1}A" if rows > 1 else "")

    def _fitted(self, line: Iterable[Piece], columns: int) -> list[Piece]:
        fitted: list[Piece] = []
        for piece in line:
            text = cut(piece.text, columns, self._mark)
            columns -= columns_of(text)
            if text:
                fitted.append(piece._replace(text=text))
            if text != piece.text:
                break
        return fitted

    def _painted(self, piece: Piece) -> str:
        return f"\x1b[{piece.style}m{piece.text}\x1b[0m" if piece.style and self._styled else piece.text

    def paint(self, *pieces: Piece) -> str:
        """A line for `above`."""
        return "".join(map(self._painted, pieces))

    def stop(self) -> None:
        if self._is_on:
            self._is_on = False
            self._write(f"{self._back_to_top(self.size()[0])}{_CLEAR_BELOW}{_SHOW}")
            self._drawn, self._last = [], ()

    def _write(self, text: str) -> None:
        """All of it; a terminal that is gone is told nothing, and that is no reason to fail."""
        data = memoryview(text.encode("utf-8", "replace"))
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]


@contextlib.contextmanager
def put_away_when_stopped(
    screen: Screen,
    redraw: Callable[[], None],
    interrupted: Callable[[], None],
    *,
    lock: AbstractContextManager[object] | None = None,
) -> Generator[None]:
    """Leave a clean terminal when the process is asked to end, or is stopped for a while (`C-z`).

    Whoever draws in another thread holds the `lock` meanwhile, so that nothing is drawn while it is stopped.

    `interrupted` is told of `C-c` at once: until the builds have ended in order, more may be drawn.
    """

    def interrupt(_: int, __: object) -> None:
        interrupted()
        raise KeyboardInterrupt

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    def rest(number: int, _: object) -> None:
        with lock or contextlib.nullcontext():
            screen.stop()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)  # here it stands until it is continued
            signal.signal(number, rest)
            screen.start()
            redraw()

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: leave, signal.SIGHUP: leave, signal.SIGTSTP: rest}
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
