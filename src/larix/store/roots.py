"""What keeps items alive: links below `gcroots` and `profiles`, temporary roots, running processes.

As Nix: a link straight into the store is a root; a link to a link into the store (made below `gcroots/auto`)
is an indirect root, alive as long as the outer link is there; a plain file is a root if it is called like an
item. Asking never changes anything: links that lead nowhere are removed only by a collection, and only when
the link they name is certainly gone: its folder can be read, or is missing on a file system that is there.

Where the outer link cannot be looked at, what it was last known to point to stays alive (see `root_notes`).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha1
from typing import NamedTuple

from larix.formats import base32
from larix.formats.storepath import BadStorePath, StoreDir, StorePath, parse_store_path, store_item_of
from larix.store.atomic import sync_directory
from larix.store.errors import StoreError, os_failure, quoted
from larix.store.layout import Layout
from larix.store.locks import try_lock
from larix.store.root_notes import RootNotes
from larix.store.waiting import user_name
from larix.words import tr

__all__ = [
    "HiddenRoots",
    "Root",
    "check_root_link",
    "find_roots",
    "indirect_root_file",
    "make_indirect_root",
    "make_link",
    "process_roots",
    "read_temp_roots",
]

_NO_SUCH_NAME = frozenset({errno.ENOENT, errno.ENAMETOOLONG})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
_LEADS_NOWHERE = _NO_SUCH_NAME | _GONE | {errno.EINVAL, errno.ELOOP}


class Root(NamedTuple):
    """An item kept alive, and by what: the name of a link, `{temp:PID}`, or a place in `/proc`."""

    path: StorePath
    reason: str


class HiddenRoots(StoreError):
    """There may be roots at `place`, where this process may not look."""

    def __init__(self, place: str, cause: OSError, *, unless: str) -> None:
        gaps = {"owner": _owner(place), "place": quoted(place), "user": user_name(os.geteuid())}
        super().__init__(
            tr(
                "cannot look for roots at `{place}`, which {owner} owns: {reason}",
                reason=os.strerror(cause.errno or 0),
                **gaps,
            ),
            hint=tr(
                "have {owner} let {user} look there, or remove `{link}` if nothing there is to be kept",
                link=quoted(unless),
                **gaps,
            ),
        )
        self.hidden = place


def _owner(place: str) -> str:
    """Who owns it, or the folder above it that can still be seen."""
    while True:
        try:
            return user_name(os.lstat(place).st_uid)
        except OSError:
            place = os.path.dirname(place)


def find_roots(layout: Layout, *, prune: bool = False, must_know: bool = False) -> list[Root]:
    """The permanent and indirect roots, valid or not; with `prune`, stale links of `gcroots/auto` go.

    Unreadable places are an error, not an absence; where an indirect root cannot be looked at and nothing was
    noted of it, only for who `must_know`. What has no name that anybody could use is passed over: users make
    what they like in their own folders, which may be deeper than names are long.
    """
    found: list[Root] = []
    links = _Links(layout, found, prune=prune, must_know=must_know)
    auto = layout.gc_roots_dir + "/auto"
    todo = [layout.gc_roots_dir, layout.profiles_dir]
    seen: set[tuple[int, int]] = set()
    while todo:
        directory = todo.pop()
        try:
            status = os.stat(directory)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    elif entry.is_symlink():
                        links.follow(entry.path, is_automatic=directory == auto)
                    elif entry.is_file(follow_symlinks=False):
                        _note(layout, f"{layout.store_dir}/{entry.name}", entry.path, found)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EPERM}:
                raise HiddenRoots(directory, error, unless=directory) from error
            if error.errno not in _NO_SUCH_NAME:
                raise os_failure(tr("look for roots in"), directory, error) from error
    return found


def _note(layout: Layout, target: str, reason: str, found: list[Root]) -> bool:
    name = layout.from_host(target)
    if not name.startswith(layout.store_dir + "/"):
        return False
    try:
        found.append(Root(store_item_of(layout.store_dir, name), reason))
    except BadStorePath:
        return False
    return True


class _Links:
    """Links below `gcroots` and `profiles`, and where they lead."""

    def __init__(self, layout: Layout, found: list[Root], *, prune: bool, must_know: bool) -> None:
        self._layout = layout
        self._found = found
        self._prune = prune
        self._must_know = must_know
        self._notes = RootNotes(layout)

    def follow(self, link: str, *, is_automatic: bool) -> None:
        try:
            content = os.readlink(link)
        except OSError as error:
            # It went, or became something else, since its folder was listed; the others of the folder are
            # there.
            if error.errno in _NO_SUCH_NAME | {errno.EINVAL}:
                return
            raise
        outer = os.path.normpath(os.path.join(os.path.dirname(link), content))
        if _note(self._layout, outer, link, self._found):
            return
        try:
            paths = _look(self._layout, outer)
        except OSError as error:
            self._remember(link, outer, error)
            return
        if paths is None:
            if self._prune and is_automatic:
                self._remove_stale(link, outer)
            return
        self._found += [Root(path, outer) for path in paths]
        if self._prune and paths:
            self._notes.refresh(_note_name(outer), outer, paths)

    def _remember(self, link: str, outer: str, cause: OSError) -> None:
        """A home that is not readable now, or a disk that fails, keeps its roots."""
        paths = self._notes.paths(_note_name(outer))
        if paths is None and self._must_know:
            raise HiddenRoots(outer, cause, unless=link) from cause
        self._found += [Root(path, outer) for path in sorted(paths or ())]

    def _remove_stale(self, link: str, outer: str) -> None:
        name = _note_name(outer)
        if os.path.isdir(os.path.dirname(outer)) or self._notes.is_gone_for_good(name, outer):
            os.unlink(link)
            self._notes.forget(name)


def _look(layout: Layout, link: str) -> list[StorePath] | None:
    """What a link that may be an indirect root keeps; None if it is not there. Raises OSError when hidden."""
    try:
        content = os.readlink(link)
    except OSError as error:
        if error.errno in _LEADS_NOWHERE:
            return None if error.errno in _GONE else []
        raise
    target = os.path.normpath(os.path.join(os.path.dirname(link), content))
    found: list[Root] = []
    _note(layout, target, link, found)
    return [root.path for root in found]


def make_indirect_root(
    layout: Layout, link: str, likely: Callable[[], Iterable[StorePath]], *, teller: int
) -> None:
    """Have collections look at `link`, and note what it keeps.

    Where this process may not look, `likely` gives what it may be, as far as the user `teller` knows; raises
    HiddenRoots, with nothing made, if that is nothing: such a root would keep nothing.
    """
    notes, name = RootNotes(layout), _note_name(link)
    seen: Iterable[StorePath] | None
    told: Iterable[StorePath] = ()
    try:
        seen = _look(layout, link) or ()
    except OSError as error:
        seen, told = None, likely()
        if not told:
            raise HiddenRoots(link, error, unless=link) from error
    make_link(link, indirect_root_file(layout, link))
    try:
        if seen is None:
            notes.note(name, link, told, teller=teller)
        else:
            notes.note(name, link, seen)
    except OSError as error:
        raise os_failure(tr("create the link"), link, error) from error


def read_temp_roots(layout: Layout, *, prune: bool = False) -> list[Root]:
    """The temporary roots of all living processes; with `prune`, the files of dead ones go."""
    found: list[Root] = []
    for name in os.listdir(layout.temp_roots_dir):
        if not name.isdecimal():
            continue
        file = f"{layout.temp_roots_dir}/{name}"
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise os_failure(tr("read the temporary roots in"), file, error) from error
        try:
            if int(name) != os.getpid() and try_lock(descriptor):
                if prune:
                    os.unlink(file)
                    os.write(descriptor, b"d")
                continue
            contents = _read_all(descriptor)
        finally:
            os.close(descriptor)
        for path in contents.decode("ascii", "replace").split("\0")[:-1]:
            try:
                found.append(Root(parse_store_path(layout.store_dir, path), f"{{temp:{name}}}"))
            except BadStorePath:
                continue
    return found


def _read_all(descriptor: int) -> bytes:
    pieces: list[bytes] = []
    while piece := os.read(descriptor, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def process_roots(store_dir: StoreDir) -> list[Root]:
    """What running processes use: program, mapped files, working directory, open files, environment.

    Of processes of other users nothing may be known; who collects a shared store does it as root.
    """
    pattern = re.compile(
        re.escape(os.fsencode(store_dir)) + rb"/[0-9abcdfghijklmnpqrsvwxyz]{32}-[0-9A-Za-z+._?=-]{1,211}"
    )
    found: dict[str, str] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            for place, text in _process_texts(f"/proc/{name}"):
                for match in pattern.finditer(text):
                    found.setdefault(match[0].decode("ascii"), place)
    roots: list[Root] = []
    for path, place in found.items():
        try:
            roots.append(Root(parse_store_path(store_dir, path), place))
        except BadStorePath:
            continue
    return roots


def _process_texts(process: str) -> Iterator[tuple[str, bytes]]:
    for link in ("exe", "cwd"):
        yield from _link_text(f"{process}/{link}")
    try:
        descriptors = os.listdir(process + "/fd")
    except OSError:
        descriptors = []
    for number in descriptors:
        yield from _link_text(f"{process}/fd/{number}")
    for name in ("maps", "environ"):
        try:
            with open(f"{process}/{name}", "rb") as file:
                yield f"{process}/{name}", file.read()
        except OSError:
            continue


def _link_text(link: str) -> Iterable[tuple[str, bytes]]:
    try:
        return [(link, os.fsencode(os.readlink(link)))]
    except OSError:
        return []


def indirect_root_file(layout: Layout, link: str) -> str:
    """Where the indirect root for `link` is noted: one place for one link, whoever notes it."""
    return f"{layout.gc_roots_dir}/auto/{_note_name(link)}"


def _note_name(link: str) -> str:
    return base32.encode(sha1(os.fsencode(link), usedforsecurity=False).digest())


def check_root_link(layout: Layout, link: str) -> None:
    """Raise StoreError if `link` is a symbolic link and leads elsewhere than straight into the store."""
    with suppress(OSError):
        target = os.readlink(link)
        if not layout.from_host(target).startswith(layout.store_dir + "/"):
            raise StoreError(
                tr(
                    "`{link}` is in the way: it leads to `{target}`",
                    link=quoted(link),
                    target=quoted(target),
                ),
                hint=tr("move it away, or choose another name"),
            )


def make_link(target: str, link: str) -> None:
    """Make or replace the symbolic link `link`, durably; refuses to replace anything that is not a link."""
    try:
        try:
            if not stat.S_ISLNK(os.lstat(link).st_mode):
                raise StoreError(
                    tr("`{link}` is in the way: it is no symbolic link", link=quoted(link)),
                    hint=tr("move it away, or choose another name"),
                )
        except FileNotFoundError:
            pass
        while True:
            temporary = f"{link}.tmp-{os.getpid()}-{base32.encode(os.urandom(5))}"
            os.symlink(target, temporary)
            try:
                os.rename(temporary, link)
            except FileNotFoundError:  # a collection took it for a root that leads nowhere
                continue
            except BaseException:
                os.unlink(temporary)
                raise
            break
        sync_directory(os.path.dirname(link) or ".")
    except OSError as error:
        raise os_failure(tr("create the link"), link, error) from error
