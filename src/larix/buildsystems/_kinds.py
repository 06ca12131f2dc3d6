"""What each argument of a build system may be; the same name is the same kind of thing in all of them.

Most may also be a function, which the build calls for the value.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

from larix.buildside.copy import CHOICES
from larix.packages.kinds import frozen_mapping, optional, text, thawed, truth
from larix.packages.record import Unfit, type_words
from larix.staging.lower import is_lowerable
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.arguments import Kind

__all__ = ["ARGUMENT_KINDS", "late", "tool"]


def late(kind: Kind) -> Kind:
    """What is of a kind, or a function that the build calls for it."""

    def checked(value: Any) -> object:
        if callable(value):
            return value
        try:
            return kind(value)
        except Unfit as error:
            raise Unfit(
                tr("{expected}, or a function that the build calls for it", expected=error.expected),
                error.found,
                hint=error.hint,
            ) from error

    return checked


def tool(value: Any) -> object:
    """A package in the place of an implied one; None leaves that where it is."""
    if value is not None and not is_lowerable(value):
        raise Unfit(tr("a package"))
    return value


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # quotes that are not closed are no shell's
        return [text]


def _words(value: Any) -> object:
    words: Any = value
    if isinstance(value, str):
        listed = ", ".join(f'"{each}"' for each in _split(value))
        raise Unfit(tr("a list of words"), hint=tr("write `[{listed}]`", listed=listed))
    if isinstance(value, bytes) or not isinstance(value, Sequence):
        raise Unfit(tr("a list of words"))
    for each in words:
        if not (isinstance(each, (str, PathLike)) or is_lowerable(each)):
            raise Unfit(tr("a list of words"), tr("{found} in it", found=type_words(thawed(each))))
    return words


def _pattern(value: Any) -> object:
    if not isinstance(value, str):
        raise Unfit(tr("a regular expression"))
    try:
        re.compile(value)
    except re.error as error:
        raise Unfit(
            tr("a regular expression"), tr("{value!r}: {problem}", value=value, problem=error)
        ) from error
    return value


def _plan(value: Any) -> object:
    steps: Any = value
    hint = tr('for instance `[("etc/config", "share/"), ("lib/", "lib", {"include": [".el"]})]`')
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise Unfit(tr("a list of steps, each a source, a target, and perhaps a choice"), hint=hint)
    for step in steps:
        if not _is_step(step):
            raise Unfit(
                tr("a list of steps, each a source, a target, and perhaps a choice"),
                tr("the step {step!r}", step=thawed(step)),
                hint=hint,
            )
    return steps


def _is_step(step: object) -> bool:
    if not isinstance(step, tuple):
        return False
    parts = cast("tuple[object, ...]", step)
    if len(parts) not in {2, 3} or not all(isinstance(each, str) for each in parts[:2]):
        return False
    choice: object = parts[2] if len(parts) == 3 else {}
    if not isinstance(choice, Mapping):
        return False
    lists = cast("Mapping[object, object]", choice)
    return set(lists) <= set(CHOICES) and not any(isinstance(each, str) for each in lists.values())


def _function(value: Any) -> object:
    if not callable(value):
        raise Unfit(tr("a function that makes the outputs"))
    return value


_LISTS = (
    "build_flags",
    "configure_flags",
    "install_flags",
    "make_flags",
    "strip_directories",
    "strip_flags",
    "test_command",
    "test_flags",
)
_TRUTHS = (
    "compress",
    "out_of_source",
    "parallel_build",
    "parallel_tests",
    "prefer_makefile",
    "sanity_check",
    "set_version",
    "strip_binaries",
    "tests",
    "validate_runpath",
    "wrap_programs",
)
_TEXTS = ("build_type", "generator", "install_target", "locale_name", "test_target")
_PATTERNS = ("license_files", "test_logs")

ARGUMENT_KINDS: dict[str, Kind] = {
    **dict.fromkeys(_LISTS, late(_words)),
    **dict.fromkeys(_TRUTHS, late(truth)),
    **dict.fromkeys(_TEXTS, late(text)),
    **dict.fromkeys(_PATTERNS, late(_pattern)),
    "backend_path": late(optional(_words)),
    "build_backend": late(optional(text)),
    "builder": _function,
    "config_settings": late(optional(frozen_mapping)),
    "implicit_inputs": truth,
    "install_plan": late(_plan),
    "test_exclude": late(optional(_pattern)),
    "toolchain": optional(text),
}
