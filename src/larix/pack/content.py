"""From a closure to the entries of a pack: items, links, and what makes programs run from anywhere.

A relocatable pack can be unpacked into any folder. Links inside the store that name their targets from the
root are made relative. In the profile, the folders of programs become real ones that hold, for each program,
the launcher under its name, and beside it a hidden link to what is to be run:

    bin/hello         the launcher; the first is a file, the others are hard links to it
    bin/.hello-real   -> ../../HASH-hello-2.12/bin/hello
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from larix.pack.entries import Entry, File, Folder, HardLink, Link, walk
from larix.pack.errors import BadPack
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larix.pack.options import PackOptions

__all__ = [
    "Closure",
    "Contents",
    "all_entries",
    "ancestors",
    "extra_entries",
    "item_entries",
    "parse_graph",
    "store_folders",
]

_PROGRAM_FOLDERS = ("bin", "sbin")


class Closure(NamedTuple):
    """Items of the store directory `store_dir` by base name, sorted, each with what it refers to."""

    store_dir: str
    references: dict[str, tuple[str, ...]]

    @property
    def items(self) -> list[str]:
        return list(self.references)


class Contents(NamedTuple):
    """All that a pack is made of; `more` are entries beside the closure and the links."""

    closure: Closure
    options: PackOptions
    more: tuple[Entry, ...] = ()


def parse_graph(store_dir: str, text: str) -> Closure:
    """What `exportReferencesGraph` writes: of each path name, deriver, number of references, and these."""
    lines = text.splitlines()
    found: dict[str, tuple[str, ...]] = {}
    at = 0
    while at < len(lines):
        path, count = lines[at], int(lines[at + 2])
        found[_base(path)] = tuple(_base(each) for each in lines[at + 3 : at + 3 + count])
        at += 3 + count
    return Closure(store_dir, dict(sorted(found.items())))


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def store_folders(store_dir: str) -> Iterator[Folder]:
    """The store directory and what it is in."""
    yield from ancestors([store_dir.lstrip("/") + "/"])


def ancestors(names: Iterable[str]) -> Iterator[Folder]:
    """The folders that `names`, relative ones, are in, each once, the outer before the inner."""
    seen: set[str] = set()
    for name in names:
        parts = name.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            if folder not in seen:
                seen.add(folder)
                yield Folder(os.fsencode(folder))


def item_entries(contents: Contents, item: str) -> Iterator[Entry]:
    """All of one item, as the pack has it."""
    closure, options, _ = contents
    path = f"{closure.store_dir}/{item}"
    top, name = os.fsencode(path), os.fsencode(path.lstrip("/"))
    if not options.launcher:
        yield from walk(top, name)
    elif path == options.profile:
        yield from _relocatable_profile(top, name, closure, options)
    else:
        yield from _relative(walk(top, name), closure.store_dir)


def all_entries(contents: Contents) -> Iterator[Entry]:
    """All of a pack that is one tree; a folder comes before what is in it."""
    yield from store_folders(contents.closure.store_dir)
    for item in contents.closure.items:
        yield from item_entries(contents, item)
    yield from extra_entries(contents)


def _relative(entries: Iterable[Entry], store_dir: str) -> Iterator[Entry]:
    """With links into the store that lead there from wherever the store is."""
    start = os.fsencode(store_dir) + b"/"
    for entry in entries:
        if isinstance(entry, Link) and entry.target.startswith(start):
            folder = b"/" + posixpath.dirname(entry.name)
            yield entry._replace(target=posixpath.relpath(entry.target, folder))
        else:
            yield entry


def _relocatable_profile(top: bytes, name: bytes, closure: Closure, options: PackOptions) -> Iterator[Entry]:
    launcher = os.fsencode(f"{options.launcher}/launcher")
    size = os.stat(launcher).st_size
    first: bytes | None = None
    yield Folder(name)
    for each in sorted(os.listdir(top)):
        file, shown = top + b"/" + each, name + b"/" + each
        if os.fsdecode(each) not in _PROGRAM_FOLDERS or not os.path.isdir(file):
            yield from _relative(walk(file, shown), closure.store_dir)
            continue
        yield Folder(shown)
        place = b"/" + shown
        real = os.path.realpath(file)
        for program in sorted(os.listdir(file)):
            target = real + b"/" + program
            if real == file:  # a folder of the profile's own, which holds links to programs
                if not os.path.islink(target):
                    yield from walk(target, shown + b"/" + program)
                    continue
                target = posixpath.normpath(posixpath.join(file, os.readlink(target)))
            inside = posixpath.relpath(target, place)
            if not (os.path.isfile(target) and os.access(target, os.X_OK)):
                yield Link(shown + b"/" + program, inside)
                continue
            yield Link(shown + b"/." + program + b"-real", inside)
            if first is None:
                first = shown + b"/" + program
                yield File(first, size, executable=True, file=launcher)
            else:
                yield HardLink(shown + b"/" + program, first)


def extra_entries(contents: Contents) -> list[Entry]:
    """The links that were asked for and `more`, with the folders that they are in, none of them twice.

    The folders of the store are not among them.
    """
    closure, options, more = contents
    links = [
        Link(os.fsencode(source.lstrip("/")), os.fsencode(_link_target(source, target, options)))
        for source, target in options.links
    ]
    store = {folder.name for folder in store_folders(closure.store_dir)}
    taken = store | {entry.name for entry in more}
    for link in links:
        inside = (*(entry.name for entry in more), *(other.name for other in links), max(store, key=len))
        if link.name in taken or any(name.startswith(link.name + b"/") for name in inside):
            raise BadPack(tr("two things in the pack are called `/{name}'", name=os.fsdecode(link.name)))
        taken.add(link.name)
    names = [os.fsdecode(entry.name) for entry in (*links, *more)]
    folders = [folder for folder in ancestors(names) if folder.name not in taken]
    together: list[Entry] = [*folders, *more, *links]
    return sorted(together, key=lambda entry: entry.name.split(b"/"))


def _link_target(source: str, target: str, options: PackOptions) -> str:
    full = f"{options.profile}/{target}" if target else options.profile
    if not options.launcher:
        return full
    return posixpath.relpath(full, posixpath.dirname(source))
