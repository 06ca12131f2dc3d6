"""`larix edit PACKAGE...`: open the definitions of packages in the user's editor."""

from __future__ import annotations

import os
import shutil

from larix.cli.building import LOAD_PATH
from larix.cli.options import Grammar, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "view and edit package definitions"
GRAMMAR = Grammar(
    "edit",
    "edit [OPTION]... PACKAGE...",
    "Open the definitions of PACKAGEs in the editor that VISUAL or EDITOR names, else in vi.",
    (("", (LOAD_PATH,)),),
)
USUAL = "vi"


class NoEditor(LarixError):
    """There is no program of the editor's name."""


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if not line.operands:
        raise UsageError(tr("no packages specified, nothing to edit"))
    from larix.cli.evaluation import Evaluation

    catalogue = Evaluation(line.values("load-path")).catalogue
    places = [catalogue.select(text).location for text in line.operands]
    for place in places:
        if not os.path.exists(place.file):
            raise LarixError(tr("file '{file}' not found in search path", file=place.file))
    words = [word for place in places for word in (f"+{place.line}", place.file)]
    return _edit(words)


def _edit(words: list[str]) -> int:
    """Run the editor and give its status, which is that of a shell when a signal ended it."""
    import shlex
    import subprocess

    variable = next((name for name in ("VISUAL", "EDITOR") if os.environ.get(name)), None)
    try:
        command = shlex.split(os.environ[variable] if variable else USUAL)
    except ValueError as error:
        raise UsageError(f"{variable}: {error}") from error
    if not command or shutil.which(command[0]) is None:
        told = (
            tr("{variable} names `{environ}'", variable=variable, environ=os.environ[variable])
            if variable
            else tr("VISUAL is not set, and `{usual}'", usual=USUAL)
        )
        raise NoEditor(
            tr("{told}, which is no program here", told=told),
            hint=tr("set VISUAL to the command of an editor"),
        )
    status = subprocess.run([*command, *words], check=False).returncode
    return status if status >= 0 else 128 - status
