"""Becoming a program of the store: the environment it needs, and what to say when it is not there."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence

from larix.buildside.profile_settings import PATH, settings_of
from larix.cli import diagnostics
from larix.cli.enter import become
from larix.packages.search_paths import SearchPath
from larix.words import tr

__all__ = ["NOT_FOUND", "environment_with", "run_program"]

NOT_FOUND = 127
_PRECIOUS = (
    *("HOME", "USER", "LOGNAME", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "TERM", "TZ", "PAGER", "SHLVL"),
    *("HISTFILE", "HISTSIZE", "HISTFILESIZE"),
)


def environment_with(
    items: Sequence[str],
    search_paths: Iterable[SearchPath],
    *,
    pure: bool = False,
    preserve: Sequence[re.Pattern[str]] = (),
    precious: Sequence[str] = _PRECIOUS,
) -> dict[str, str]:
    """This process's environment with the search paths of `items` before what was set.

    `pure` clears all but the `precious` ones, that a session cannot do without, and those that match
    `preserve`.
    """
    environment = dict(os.environ)
    if pure:
        environment = {
            name: value
            for name, value in environment.items()
            if name in precious or any(expression.search(name) for expression in preserve)
        }
    wanted = [PATH, *dict.fromkeys(search_paths)]
    for item in reversed(items):
        for variable, separator, places in settings_of(item, wanted):
            before = environment.get(variable)
            if separator is None:
                environment[variable] = places[0]
            else:
                environment[variable] = separator.join([*places, *([before] if before else [])])
    return environment


def run_program(program: str, arguments: Sequence[str], environment: dict[str, str]) -> int:
    """Become `program`, looked up in the environment's PATH; returns only when that is not possible."""
    file = program if "/" in program else shutil.which(program, path=environment.get("PATH", ""))
    if file is None or not os.path.exists(file):
        diagnostics.error(tr("{program}: command not found", program=program))
        return NOT_FOUND
    try:
        become(file, [program, *arguments], environment)
    except OSError as error:
        diagnostics.error(f"{program}: {error.strerror}")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else 126
    return NOT_FOUND
