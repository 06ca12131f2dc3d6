"""How larix speaks to people on standard error: one line for an error, one for a hint, and exit codes.

A `LarixError` carries its own words; this module only lays them out. An `OSError` is the machine's answer
(disk full, no permission) and is told as such. Anything else is a bug of larix and says so in one line; the
traceback is shown with `--debug` or `LARIX_DEBUG`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterable, Sequence

from larix.errors import LarixError, Location
from larix.words import tr

__all__ = [
    "as_seen_by_user",
    "closest",
    "colour_wanted",
    "conclude",
    "did_you_mean",
    "error",
    "note",
    "program_name",
    "said_by",
    "say",
    "set_command",
    "show_hint",
    "shown_place",
    "terminal_columns",
    "translate",
    "wants_traceback",
    "warning",
]

INTERRUPTED = 130

_command = ""
_shown_instead: list[tuple[str, str]] = []
_speakers: list[Callable[[str], None]] = []


def set_command(name: str) -> None:
    """Name the running command in the prefix of what follows."""
    global _command  # noqa: PLW0603 -- one process runs one command
    _command = name


def translate(prefix: str, shown: str) -> None:
    """From now on show file names that begin with `prefix` as the user's shell knows them."""
    _shown_instead.append((prefix, shown))


def as_seen_by_user(text: str) -> str:
    """`text` with the file names in it as `translate` was told."""
    import re

    for prefix, shown in _shown_instead:
        text = shown.join(re.split(r"(?<![\w./+-])" + re.escape(prefix), text))
    return text


def program_name() -> str:
    return f"larix {_command}" if _command else "larix"


def wants_traceback(arguments: Sequence[str]) -> bool:
    before_dashes = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return bool(os.environ.get("LARIX_DEBUG")) or any(
        argument == "--debug" or argument.startswith("--debug=") for argument in before_dashes
    )


def colour_wanted(descriptor: int = 2) -> bool:
    """Colour only on a terminal that can show it, and only when nobody declined it (no-color.org)."""
    if (
        os.environ.get("NO_COLOR")
        or os.environ.get("TERM", "dumb") == "dumb"
        or os.environ.get("INSIDE_EMACS")
    ):
        return False
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def terminal_columns() -> int | None:
    """How wide the terminal is that diagnostics go to; None when they go elsewhere."""
    try:
        return os.get_terminal_size(2).columns or None
    except OSError:
        return None


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour_wanted() else text


@contextlib.contextmanager
def said_by(speaker: Callable[[str], None]) -> Generator[None]:
    """Have `speaker` show what is said meanwhile: it draws on the terminal and knows where there is room."""
    _speakers.append(speaker)
    try:
        yield
    finally:
        _speakers.remove(speaker)


def say(line: str) -> None:
    """Write one line to standard error; a closed or broken one is no reason to fail."""
    if sys.stderr is None:
        return
    if _shown_instead:
        line = as_seen_by_user(line)
    if _speakers:
        for each in line.splitlines() or [""]:
            _speakers[-1](each)
        return
    encoding = sys.stderr.encoding or "utf-8"
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()


def _shown(place: object) -> str:
    """What a diagnostic begins with: its place, leading to the file where it is clicked, or the command."""
    if not place:
        return program_name()
    if isinstance(place, Location) and colour_wanted():
        from larix.cli.tables import Style

        return Style(links=True).link(str(place), as_seen_by_user(place.file))
    return str(place)


def shown_place(place: Location) -> str:
    """As it is named from the current directory, if it is below that."""
    relative = os.path.relpath(place.file)
    return str(place if relative.startswith("../") else place._replace(file=relative))


def error(message: str, place: object = None) -> None:
    say(f"{_shown(place)}: {_paint(tr('error:'), '1;31')} {message}")


def warning(message: str, place: object = None) -> None:
    say(f"{_shown(place)}: {_paint(tr('warning:'), '1;35')} {message}")


def note(message: str) -> None:
    say(f"{_paint(tr('note:'), '1')} {message}")


def show_hint(text: str) -> None:
    if not colour_wanted():
        for line in text.splitlines():
            say(f"{tr('hint:')} {line}")
        return
    import shutil
    import textwrap

    width = max(40, min(shutil.get_terminal_size().columns, 120))
    label = _paint(tr("hint:"), "1;36")
    indent = " " * (len(tr("hint:")) + 1)
    for line in text.splitlines():
        wrapped = textwrap.wrap(
            line, width - len(indent), break_long_words=False, break_on_hyphens=False
        ) or [""]
        say(f"{label} {wrapped[0]}")
        for more in wrapped[1:]:
            say(f"{indent}{more}")


def conclude(error: BaseException, *, wants_traceback: bool = False) -> int:
    """Tell `error` and return the exit code it stands for."""
    if isinstance(error, BrokenPipeError):
        _forget_output()
        return 0
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return _exit_code(error)
    if wants_traceback:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, LarixError):
        say(f"{_shown(error.place)}: {_paint(tr('error:'), '1;31')} {error.message.rstrip()}")
        if error.hint:
            show_hint(error.hint)
        return error.exit_code
    if isinstance(error, OSError):
        _forget_output()
        say(f"{program_name()}: {_paint(tr('error:'), '1;31')} {_describe_os_error(error)}")
        return 1
    if isinstance(error, MemoryError):
        say(f"{program_name()}: {_paint(tr('error:'), '1;31')} {tr('out of memory')}")
        return 1
    told = " ".join(str(error).split())
    what = f"{type(error).__name__}: {told}" if told else type(error).__name__
    bug = (
        tr("this is a bug of larix")
        if wants_traceback
        else tr("this is a bug of larix; `--debug' shows where")
    )
    say(f"{program_name()}: {_paint(tr('error:'), '1;31')} {what} ({bug})")
    return 1


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _describe_os_error(error: OSError) -> str:
    told = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return told
    return f"'{os.fsdecode(error.filename)}': {told}"


def _forget_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not fail as well."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def closest(word: str, choices: Iterable[str], limit: int = 3) -> str | None:
    """The choice fewest edits away from `word`, if fewer than `limit`; of equals, the first in order."""
    best: str | None = None
    best_distance = limit
    for choice in sorted(choices):
        if abs(len(choice) - len(word)) >= best_distance:
            continue
        distance = _edits(word, choice, best_distance)
        if distance < best_distance and distance < max(len(word), 1):
            best, best_distance = choice, distance
    return best


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    choice = closest(word, choices)
    return None if choice is None else tr("Did you mean `{choice}'?", choice=choice)


def _edits(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between the two; `limit` when not fewer."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        above, before = before, row
        row = [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
