"""The file that says what a project needs: `larix shell` without arguments looks for it.

`manifest.py`, or else `larix.py`, in this directory or the nearest one above. Reading such a file runs it, so
that is done only where the user has said so once.
"""

from __future__ import annotations

import os

from larix.cli import diagnostics
from larix.cli.environments import Wish
from larix.words import tr

__all__ = ["discovered_wish"]


def discovered_wish() -> Wish | None:
    """What the file asks for; None when there is none, or none that may be read."""
    file = _nearest_file(os.getcwd())
    if file is None:
        return None
    listed = _list_file()
    folder = os.path.dirname(file)
    if not _is_authorized(folder, listed):
        diagnostics.warning(tr("not loading '{file}' because not authorized to do so", file=file))
        diagnostics.show_hint(
            tr(
                "To let `larix shell' load it, after reading it, list its directory:\n"
                "  mkdir -p {directory}\n  echo {folder} >> {listed}",
                directory=_quoted(os.path.dirname(listed)),
                folder=_quoted(folder),
                listed=_quoted(listed),
            )
        )
        return None
    diagnostics.note(tr("loading environment from '{file}'...", file=file))
    if os.path.basename(file) == "manifest.py":
        return Wish("manifest", file)
    return Wish("install-from-file", file, development=True)


def _nearest_file(folder: str) -> str | None:
    while True:
        for name in ("manifest.py", "larix.py"):
            file = os.path.join(folder, name)
            if os.path.isfile(file):
                return file
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _list_file() -> str:
    configuration = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{configuration}/larix/shell-authorized-directories"


def _is_authorized(folder: str, listed: str) -> bool:
    """Whether the user's own list has the directory, on a line of its own."""
    try:
        with open(listed, encoding="utf-8", errors="surrogateescape") as lines:
            if os.fstat(lines.fileno()).st_uid != os.geteuid():
                diagnostics.warning(tr("'{listed}' is not yours, and is not heeded", listed=listed))
                return False
            names = [line.strip() for line in lines]
    except FileNotFoundError:
        return False
    real = os.path.realpath(folder)
    return any(name and not name.startswith("#") and os.path.realpath(name) == real for name in names)


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
