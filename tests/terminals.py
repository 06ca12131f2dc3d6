"""A terminal for tests: what a program's output looks like on one, as far as larix's own drawing goes."""

from __future__ import annotations

import re
import unicodedata

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class Terminal:
    """Lines of text and a cursor. What scrolls out is kept above; `overflows` counts lines that wrapped."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns, self.rows = columns, rows
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0
        self.is_cursor_shown = True
        self.overflows = 0
        self.styles: set[str] = set()

    def feed(self, text: str) -> None:
        position = 0
        while position < len(text):
            match = SEQUENCE.match(text, position)
            if match:
                position = match.end()
                if match[3]:
                    self._control(match[1], match[2], match[3])
            else:
                self._letter(text[position])
                position += 1

    def _letter(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":  # a terminal driver makes carriage return and line feed of it
            self._move_to(self.row + 1)
            self.column = 0
        elif letter >= " ":
            width = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            if self.column + width > self.columns:
                self.overflows += 1
                self._move_to(self.row + 1)
                self.column = 0
            line = self.lines[self.row]
            line += [" "] * (self.column + width - len(line))
            line[self.column : self.column + width] = [letter, ""][:width]
            self.column += width
        else:
            raise AssertionError(f"unknown control {letter!r}")

    def _move_to(self, row: int) -> None:
        self.row = row
        while len(self.lines) <= row:
            self.lines.append([])

    def _control(self, private: str, numbers: str, what: str) -> None:
        count = int(numbers) if numbers.isdigit() else 1
        if what == "A":
            highest = max(len(self.lines) - self.rows, 0)
            self.row = max(self.row - count, highest)
        elif what == "K":
            del self.lines[self.row][min(self.column, self.columns - 1) :]
        elif what == "J":
            del self.lines[self.row][self.column :]
            del self.lines[self.row + 1 :]
        elif what == "m":
            self.styles.add(numbers)
        elif private and numbers == "25":
            self.is_cursor_shown = what == "h"
        elif not (private and numbers == "2026"):
            raise AssertionError(f"unknown sequence {private}{numbers}{what}")

    def resize(self, columns: int) -> None:
        """Wrap anew what stands there, as terminals do; the cursor stays at its letter."""
        lines: list[list[str]] = []
        for number, line in enumerate(self.lines):
            pieces = [line[at : at + columns] for at in range(0, len(line), columns)] or [[]]
            if number == self.row:
                self.row, self.column = len(lines) + len(pieces) - 1, len(pieces[-1])
            lines += pieces
        self.lines, self.columns = lines, columns

    @property
    def text(self) -> list[str]:
        """The lines, without spaces at their ends and empty lines at the end."""
        return "\n".join("".join(line).rstrip() for line in self.lines).rstrip("\n").split("\n")
