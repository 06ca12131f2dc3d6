"""Whether the user's shell leaves the settings of an environment alone: its start-up files may not."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ShellUnknown", "check_shell"]

_ENV = "/usr/bin/env"


class ShellUnknown(LarixError):
    """The user's shell does not tell what its environment is."""


def check_shell(variables: Mapping[str, str]) -> int:
    """Start the shell as for a person, and compare; 0 when it has all that was set."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    diagnostics.note(tr("checking the environment variables visible from shell '{shell}'...", shell=shell))
    seen = _environment_in(shell, dict(variables))
    wrong = False
    for name in sorted(variables):
        if os.environ.get(name) == variables[name]:
            continue  # not of our making
        if name not in seen:
            diagnostics.warning(tr("variable '{name}' is missing from shell environment", name=name))
            wrong = True
        elif seen[name] != variables[name]:
            diagnostics.warning(tr("variable '{name}' is clobbered: '{value}'", name=name, value=seen[name]))
            wrong = True
    if not wrong:
        diagnostics.note(tr("the shell gets the environment as it was made"))
        return 0
    diagnostics.show_hint(
        tr(
            "A start-up file of the shell sets these, such as ~/.bashrc; let it do so only when "
            "LARIX_ENVIRONMENT is not set, or in login shells only, as ~/.bash_profile is for."
        )
    )
    return 1


def _environment_in(shell: str, variables: dict[str, str]) -> dict[str, str]:
    """The environment of a program started by the shell, which runs on a terminal of its own."""
    import pty
    import shlex

    with tempfile.TemporaryDirectory(prefix="larix-check-") as folder:
        file = f"{folder}/environment"
        child, terminal = pty.fork()
        if child == 0:
            try:
                os.execve(  # noqa: S606 -- the user's own shell
                    shell, [shell, "-i", "-c", f"{_ENV} -0 > {shlex.quote(file)}"], variables
                )
            except OSError:
                os._exit(127)
        _drain(terminal)
        os.waitpid(child, 0)
        os.close(terminal)
        try:
            with open(file, "rb") as stream:
                listed = os.fsdecode(stream.read()).split("\0")
        except FileNotFoundError:
            listed = []
    if not any(listed):
        raise ShellUnknown(
            tr("failed to determine environment of shell '{shell}'", shell=shell),
            hint=tr("SHELL names it; a shell that takes `-i -c COMMAND' is expected"),
        )
    return dict(each.split("=", 1) for each in listed if "=" in each)


def _drain(terminal: int) -> None:
    """Take what the shell shows, until it ends."""
    while True:
        try:
            if not os.read(terminal, 4096):
                return
        except OSError:  # how a terminal says that its other side is gone
            return
