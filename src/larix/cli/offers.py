"""After installing: a word on newer releases of upstream, if that can be found out in passing.

Nothing here may fail or take long. Servers are asked on a terminal only, by a thread that is waited for until
`PATIENCE` is over and then left behind, and answers are kept for a day. `LARIX_NO_UPDATE_CHECK` turns it off.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.packages.versions import version_key
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.package import Package

__all__ = ["is_wanted", "offer_newer"]

PATIENCE = 1.5  # seconds
_FRESH = 24 * 3600


def offer_newer(packages: Sequence[Package], *, patience: float | None = PATIENCE) -> None:
    """Tell which of the packages, just installed, upstream has newer releases of.

    Without `patience`, answers are waited for until servers are given up.
    """
    newest = _read()
    asked = [package for package in packages if package.name not in newest]
    if asked:
        found: dict[str, str] = {}
        thread = threading.Thread(target=_ask, args=(asked, found), name="releases", daemon=True)
        thread.start()
        thread.join(patience)
        now = time.time()
        newest |= {name: (version, now) for name, version in found.copy().items()}
        _write(newest)
    for package in packages:
        version, _ = newest.get(package.name, ("", 0.0))
        if version and version_key(version) > version_key(package.version):
            diagnostics.note(
                tr("{package} {version} is available upstream", package=package.name, version=version)
            )
            diagnostics.show_hint(
                tr("`larix install --with-latest={package} {package}' builds it", package=package.name)
            )


def is_wanted() -> bool:
    """Whether somebody sits there who could want to know."""
    if os.environ.get("LARIX_NO_UPDATE_CHECK"):
        return False
    try:
        return os.isatty(2)
    except OSError:
        return False


def _ask(packages: Iterable[Package], found: dict[str, str]) -> None:
    """Put the newest versions into `found`, as far as one small page tells them."""
    from larix.upstream.updating import all_updaters, newest_release
    from larix.upstream.web import HASTY, Web

    web = Web(limits=HASTY)
    cheap = [each for each in all_updaters() if each.is_cheap]
    for package in packages:
        with contextlib.suppress(Exception):  # whatever is wrong with a server is not the user's business now
            update = newest_release(package, web, among=cheap)
            found[package.name] = package.version if update is None else update.release.version


def _file() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "larix", "releases.json")


def _read() -> dict[str, tuple[str, float]]:
    """What was found out in the last day, and when; anything odd counts as nothing."""
    kept: dict[str, tuple[str, float]] = {}
    now = time.time()
    try:
        with open(_file(), encoding="utf-8") as stream:
            for name, (version, moment) in json.load(stream).items():
                if 0 <= now - moment < _FRESH:
                    kept[name] = str(version), float(moment)
    except (OSError, ValueError, TypeError, AttributeError):
        return kept
    return kept


def _write(newest: dict[str, tuple[str, float]]) -> None:
    file = _file()
    temporary = f"{file}.{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(newest, stream)
        os.replace(temporary, file)
