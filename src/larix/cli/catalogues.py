"""The catalogue that a command line and the environment mean. Queries load this and nothing of evaluation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.languages import wanted_languages
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.errors import LarixError
    from larix.packages.catalogue import Catalogue

__all__ = ["open_catalogue", "package_folders"]


def package_folders(load_path: Sequence[str]) -> list[str]:
    """What `-L` gives, then LARIX_PACKAGE_PATH; a folder of the latter that is not there is no error."""
    folders = list(load_path)
    for each in os.environ.get("LARIX_PACKAGE_PATH", "").split(":"):
        if each and not os.path.isdir(each):
            diagnostics.warning(tr("LARIX_PACKAGE_PATH: `{folder}' is no directory", folder=each))
        elif each:
            folders.append(each)
    return folders


def open_catalogue(folders: Sequence[str], *, system: str | None = None) -> Catalogue:
    """The catalogue of these folders and the distributions; what is wrong with it becomes warnings."""
    from larix.packages.catalogue import Catalogue

    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Catalogue(
        folders,
        system=system,
        cache_directory=f"{cache}/larix",
        fixed=os.environ.get("LARIX_STORE_DIR") or "/larix/store",
        languages=wanted_languages(),
        warn=_warn,
    )


def _warn(error: LarixError) -> None:
    from larix.packages.catalogue import Superseded

    if isinstance(error, Superseded):
        diagnostics.note(error.message)
        return
    diagnostics.warning(error.message, error.place)
    if error.hint:
        diagnostics.show_hint(error.hint)
