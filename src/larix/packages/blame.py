"""What went wrong in somebody's package file, as one error with its place instead of a traceback."""

from __future__ import annotations

import builtins
import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple, cast

from larix.buildside.failure import BuildSideError
from larix.errors import Location
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

__all__ = ["Blame", "blame", "closest", "did_you_mean"]


_STANDARD_LIBRARY = os.path.dirname(os.__file__) + "/"


_MISSING_NAME = re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'")


class Blame(NamedTuple):
    message: str
    place: Location | None
    hint: str | None


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of the names that is nearest to the one that was given, if it is near at all."""
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(set(known)), 1)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint when one of the names is close to the one that was given."""
    close = closest(name, known)
    return tr("Did you mean `{close}'?", close=close) if close else None


def blame(error: BaseException, *, file: str | None = None) -> Blame:
    """The cause in words, and the innermost line that led to it in `file`, or in the directory of that name.

    Without a name any file will do, but those of Python itself only when there is no other.
    """
    if isinstance(error, SyntaxError) and error.filename:
        place = Location(error.filename, error.lineno or 1, max(error.offset or 0, 0))
        return Blame(tr("syntax error: {msg}", msg=error.msg), place, None)
    frames = _frames(error)
    chosen = [each for each in frames if _is_in(each[0].f_code.co_filename, file)]
    if not chosen:
        return Blame(_words(error), None, _hint(error, None))
    frame, line = chosen[-1]
    return Blame(_words(error), Location(frame.f_code.co_filename, line), _hint(error, frame))


def _is_in(name: str, file: str | None) -> bool:
    if file is None:
        return not name.startswith("<") and not name.startswith(_STANDARD_LIBRARY)
    return name == file or name.startswith(f"{file}/")


def _frames(error: BaseException) -> list[tuple[FrameType, int]]:
    found: list[tuple[FrameType, int]] = []
    step = error.__traceback__
    while step is not None:
        found.append((step.tb_frame, step.tb_lineno))
        step = step.tb_next
    return found


def _words(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, BuildSideError):
        return text
    if isinstance(error, NameError) and error.name:
        return tr("unknown name `{error}`", error=error.name)
    if isinstance(error, KeyError):
        return tr("no key {text}", text=text)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return tr("no module is named `{error}`", error=error.name)
    if isinstance(error, ImportError):
        return text.partition(" (most likely")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _hint(error: BaseException, frame: FrameType | None) -> str | None:
    if isinstance(error, NameError) and error.name and frame is not None:
        return did_you_mean(error.name, [*frame.f_locals, *frame.f_globals, *vars(builtins)])
    if isinstance(error, (ImportError, AttributeError)) and "partially initialized module" in str(error):
        return tr("two modules need each other: import the module, and name what it has in a function only")
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        return did_you_mean(error.name, [each for each in dir(error.obj) if not each.startswith("_")])
    missing = _MISSING_NAME.match(str(error)) if isinstance(error, ImportError) else None
    if missing is not None:
        module = sys.modules.get(missing["module"])
        return did_you_mean(missing["name"], [*dir(module), *getattr(module, "__all__", ())])
    if isinstance(error, ModuleNotFoundError) and error.name and "." in error.name:
        return did_you_mean(error.name, _siblings(error.name))
    if isinstance(error, ImportError) and error.name:
        return tr("a directory of package files is added with `-L DIRECTORY`") if error.path is None else None
    return None


def _siblings(module: str) -> list[str]:
    """The modules of the package that a module was looked for in, by their full names."""
    parent = module.rpartition(".")[0]
    path: object = getattr(sys.modules.get(parent), "__path__", None)
    if path is None:
        return []
    import pkgutil

    return [f"{parent}.{each.name}" for each in pkgutil.iter_modules(cast("list[str]", path))]
