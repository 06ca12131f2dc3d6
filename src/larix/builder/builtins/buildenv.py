"""`builtin:buildenv`: the tree of a user environment as `nix-env` asks for it.

`derivations` lists what is installed: for each "true" or "false" (whether it is active), a priority, a count
and so many store paths. `manifest` becomes `manifest.nix`. The tree is made of links to the items; a folder
that several have becomes a folder of links. Where two have the same file the lower number wins, and the same
number is a conflict. What an item lists in `nix-support/propagated-user-env-packages` comes along, behind
everything else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.builder.builtins.declared import Undeclared, require_declared
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Conflict", "Installed", "make_environment", "parse_installed", "run"]

_LEFT_OUT = ("/propagated-build-inputs", "/nix-support", "/perllocal.pod", "/info/dir", "/log")
_ALSO_LEFT_OUT = ("/manifest.nix", "/manifest.json")
_PROPAGATED = "nix-support/propagated-user-env-packages"
_AFTER_EVERYTHING = 1 << 30


class Conflict(Exception):
    """What cannot be one tree; the text tells why."""


class Installed(NamedTuple):
    path: str
    priority: int


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    environment: dict[str, str] = argument["environment"]
    output: str = argument["outputs"]["out"]
    try:
        installed = parse_installed(environment.get("derivations", ""))
        make_environment(output, installed, declared=lambda path: require_declared(argument, [path]))
        if "manifest" in environment:
            os.symlink(environment["manifest"], f"{output}/manifest.nix")
    except (Conflict, Undeclared, OSError) as error:
        report(("builtin-failed", str(error), None))


def parse_installed(text: str) -> list[Installed]:
    """What is active. Raises Conflict when the list is no list."""
    words = iter(text.split())
    found: list[Installed] = []
    try:
        for active in words:
            priority, count = int(next(words)), int(next(words))
            paths = [next(words) for _ in range(count)]
            if active == "true":
                found += [Installed(path, priority) for path in paths]
    except (StopIteration, ValueError) as error:
        raise Conflict(tr("`derivations` lists no derivations")) from error
    return found


def make_environment(
    output: str, installed: list[Installed], *, declared: Callable[[str], object] = bool
) -> None:
    """Make the tree. Raises Conflict, and what `declared` raises for a path that may not be used."""
    os.mkdir(output)
    making = _Making(output, declared)
    waiting: list[str] = []
    for item in sorted(installed, key=lambda item: (item.priority, item.path)):
        making.add(item.path, item.priority, waiting)
    priority = _AFTER_EVERYTHING
    while waiting:
        now, waiting = sorted(set(waiting) - making.done), []
        for path in now:
            making.add(path, priority, waiting)
            priority += 1


class _Making:
    def __init__(self, output: str, declared: Callable[[str], object]) -> None:
        self._output = output
        self._declared = declared
        self._priorities: dict[str, int] = {}
        self.done: set[str] = set()

    def add(self, path: str, priority: int, propagated: list[str]) -> None:
        if path in self.done:
            return
        self.done.add(path)
        self._declared(path)
        if os.path.isdir(path):
            self._merge(path, self._output, priority)
            try:
                with open(os.path.join(path, _PROPAGATED), encoding="utf-8") as listed:
                    propagated += listed.read().split()
            except FileNotFoundError:
                return

    def _merge(self, source: str, target: str, priority: int) -> None:
        """Put links to the entries of a folder into another, which is a real one."""
        for name in sorted(os.listdir(source)):
            file, link = os.path.join(source, name), os.path.join(target, name)
            if file.endswith(_LEFT_OUT) or (target == self._output and f"/{name}" in _ALSO_LEFT_OUT):
                continue
            if os.path.isdir(file):
                self._put_folder(file, link, priority)
            elif os.path.lexists(file):
                self._put_file(file, link, priority)

    def _put_folder(self, folder: str, link: str, priority: int) -> None:
        if os.path.islink(link):
            there = os.readlink(link)
            if not os.path.isdir(link):
                raise Conflict(tr("`{file}` is a folder, and `{other}` is none", file=folder, other=there))
            os.unlink(link)
            os.mkdir(link)
            self._merge(there, link, self._priorities.pop(link))
        if os.path.isdir(link):
            self._merge(folder, link, priority)
        else:
            os.symlink(folder, link)
            self._priorities[link] = priority

    def _put_file(self, file: str, link: str, priority: int) -> None:
        if os.path.islink(link):
            there, before = os.readlink(link), self._priorities[link]
            if os.path.isdir(link):
                raise Conflict(tr("`{file}` is a folder, and `{other}` is none", file=there, other=file))
            if os.path.realpath(there) == os.path.realpath(file) or before < priority:
                return
            if before == priority:
                raise Conflict(
                    tr(
                        "`{there}` and `{file}` have the same priority {priority}; "
                        "`nix-env --set-flag priority NUMBER PACKAGE` tells which one is wanted",
                        there=there,
                        file=file,
                        priority=priority,
                    )
                )
            os.unlink(link)
        elif os.path.isdir(link):
            raise Conflict(tr("`{file}` is a folder, and `{other}` is none", file=link, other=file))
        os.symlink(file, link)
        self._priorities[link] = priority
