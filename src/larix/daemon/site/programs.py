"""Whether a program may be what root starts: nobody else can change it, or put another in its place."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator

from larix.daemon.site.places import SiteError
from larix.store.errors import quoted
from larix.words import tr

__all__ = ["require_roots_own"]

_LINKS = 40
_CODE = ("src", "distro", "tools", ".venv")


def require_roots_own(program: str) -> None:
    """Raises SiteError where `program`, or of a checkout what it runs, is not root's alone to write."""
    if not os.path.isfile(program) or not os.access(program, os.X_OK):
        raise SiteError(
            tr("`{program}` is no program that can be started", program=quoted(program)),
            hint=tr("name the larix that the service starts with '--program'"),
        )
    top = os.path.dirname(os.path.realpath(program))
    is_checkout = os.path.exists(f"{top}/src/larix/__init__.py")
    interpreter = _interpreter(program)
    places = list(_places(program))
    if interpreter:
        places += _places(interpreter)
    if is_checkout:
        places += _trees(top)
    for place in dict.fromkeys(places):
        problem = _problem(place)
        if problem is not None:
            raise SiteError(
                tr(
                    "the daemon is to run `{program}`, and {problem}",
                    program=quoted(program),
                    problem=problem,
                ),
                hint=tr(
                    "install it where only root may write: `python3 -m venv /opt/larix && "
                    "/opt/larix/bin/pip install {source}`, then `--program=/opt/larix/bin/larix`",
                    source=top if is_checkout else tr("SOURCE"),
                ),
            )


def _problem(place: str) -> str | None:
    """Who else than root can change what stands there, in words."""
    try:
        status = os.lstat(place)
    except OSError as error:
        return tr("`{place}` cannot be looked at: {strerror}", place=quoted(place), strerror=error.strerror)
    if status.st_uid != 0:
        return tr("`{place}` belongs to {user}", place=quoted(place), user=_name_of(status.st_uid))
    mode = status.st_mode
    if stat.S_ISLNK(mode) or (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        return None  # in such a folder, what belongs to root stays where it is
    if mode & stat.S_IWOTH or (mode & stat.S_IWGRP and status.st_gid != 0):
        return tr("others than root may write `{place}`", place=quoted(place))
    return None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _places(file: str) -> Iterator[str]:
    """All folders, links and files that are met on the way to `file`."""
    current, left, links = "", file.strip("/").split("/"), 0
    yield "/"
    while left:
        part = left.pop(0)
        if part == "..":
            current = os.path.dirname(current).rstrip("/")
        if part in {"", ".", ".."}:
            continue
        current = f"{current}/{part}"
        yield current
        if os.path.islink(current) and links < _LINKS:
            links += 1
            target = os.readlink(current)
            current = "" if target.startswith("/") else os.path.dirname(current).rstrip("/")
            left = [*target.split("/"), *left]


def _interpreter(program: str) -> str | None:
    """What a script names in its first line."""
    with open(program, "rb") as stream:
        line = stream.readline(4096)
    words = line[2:].split() if line.startswith(b"#!") else []
    name = os.fsdecode(words[0]) if words else ""
    return name if name.startswith("/") else None


def _trees(top: str) -> Iterator[str]:
    """What a checkout runs: the script sees to the rest of it itself."""
    yield from _places(f"{top}/.venv/bin/python")
    for name in _CODE:
        for folder, _, files in os.walk(f"{top}/{name}"):
            yield folder
            yield from (f"{folder}/{file}" for file in files)
