"""Profiles of `shell` and `environment` that were made before: links in the user's cache.

A link is called by a digest of all that decides what it leads to: the wishes, the files they name, and the
state of larix and of every folder that packages are defined in, by the names, times and sizes of its files.
Each is a root of the collector's, so what is found is there. Those that nobody asked for in a month go.

Wishes that can mean another thing without any of that changing have no place here: expressions, files that
give packages, which may take sources from anywhere, and items of the store.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import larix
from larix.cli.transformations import chosen_transformations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.cli.environments import Wish
    from larix.cli.options import CommandLine
    from larix.cli.session import Session

__all__ = ["CacheEntry", "cache_entry"]

_LIFETIME = 30 * 24 * 3600


class CacheEntry(NamedTuple):
    """`link` leads to the profile, if it is there."""

    link: str

    def find(self) -> str | None:
        """The profile's item; its age counts anew from here."""
        try:
            item = os.readlink(self.link)
            os.utime(self.link, follow_symlinks=False)
        except OSError:
            return None
        return item if os.path.isdir(item) else None

    def keep(self, session: Session, item: str) -> None:
        """Make `item`, which is valid, what the next one finds. A cache that cannot be written is none."""
        from larix.formats.storepath import parse_store_path
        from larix.store.errors import StoreError

        with suppress(OSError, StoreError):
            os.makedirs(os.path.dirname(self.link), mode=0o700, exist_ok=True)
            session.store.add_permanent_root(parse_store_path(session.layout.store_dir, item), self.link)
            _expire(os.path.dirname(self.link))

    def beside(self, name: str) -> CacheEntry:
        """The entry of something else that is made for the same wishes."""
        return CacheEntry(f"{self.link}-{name}")


def cache_entry(session: Session, line: CommandLine, wishes: Sequence[Wish]) -> CacheEntry | None:
    """Where the profile of these wishes is kept; None for what is not to be kept."""
    if chosen_transformations(line) or not all(_is_steady(wish) for wish in wishes):
        return None
    from larix.cli.catalogues import package_folders

    hasher = sha256()
    folders = [os.path.abspath(each) for each in package_folders(line.values("load-path"))]
    for part in _parts(session, line, wishes, folders):
        hasher.update(os.fsencode(part) + b"\0")
    for folder in [*_own_folders(), *folders]:
        hasher.update(_digest_of(folder))
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return CacheEntry(f"{base}/larix/profiles/{hasher.hexdigest()[:40]}")


def _is_steady(wish: Wish) -> bool:
    if wish.kind == "manifest":
        return True
    if wish.kind == "install-from-file":
        return wish.development
    return wish.kind == "install" and not wish.text.startswith("/")


def _parts(
    session: Session, line: CommandLine, wishes: Sequence[Wish], folders: Sequence[str]
) -> Iterator[str]:
    yield larix.__version__
    # Stores of one name are several, and a root in one keeps nothing in another.
    yield from (session.mode, session.layout.store_dir, session.layout.state_dir, session.host_root or "")
    yield from (line.last("system") or "", line.last("target") or "", str(line.has("no-grafts")))
    yield os.environ.get("LARIX_TOOLCHAIN", "")
    yield from ("folders", *folders)
    for wish in wishes:
        yield from (wish.kind, str(wish.development))
        if wish.kind == "install":
            yield wish.text
            continue
        yield os.path.abspath(wish.text)
        with suppress(OSError), open(wish.text, "rb") as file:
            yield sha256(file.read()).hexdigest()


def _own_folders() -> list[str]:
    """Where larix and the distributions lie."""
    from larix.packages.distributions import find_distributions

    distributions = [each.directory for each in find_distributions() if each.directory is not None]
    return [os.path.dirname(os.path.abspath(each)) for each in (larix.__file__, *distributions)]


@cache
def _digest_of(folder: str) -> bytes:
    hasher = sha256()
    for part in _state_of(folder):
        hasher.update(os.fsencode(part) + b"\0")
    return hasher.digest()


def _state_of(folder: str) -> Iterator[str]:
    """Names, times and sizes of the files below a folder, sorted."""
    try:
        entries: Iterable[os.DirEntry[str]] = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        yield f"{folder}: {error.errno}"
        return
    for entry in entries:
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _state_of(entry.path)
        else:
            with suppress(OSError):
                status = entry.stat()
                yield f"{entry.path} {status.st_mtime_ns} {status.st_size}"


def _expire(folder: str) -> None:
    oldest = time.time() - _LIFETIME
    for entry in os.scandir(folder):
        with suppress(OSError):
            if entry.is_symlink() and entry.stat(follow_symlinks=False).st_mtime < oldest:
                os.unlink(entry.path)
