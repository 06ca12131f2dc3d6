"""Profiles of a rootless store, made usable from outside its namespace.

An ordinary user's store is seen at its place (`/larix/store`) only inside a namespace that larix enters;
outside, a link to `/larix/store/HASH-profile` dangles, and `./p/bin/hello` would not exist. So in that mode a
generation link points to a *front*, a folder beside the store on the host:

    ROOT/fronts/HASH-profile/
        bin/NAME      a small script: enters the namespace and becomes STORE/HASH-profile/bin/NAME share, ...
        links to where the host sees the same files manifest      a copy; etc/profile too, with the front in
        the place of the store item store-item    a link to STORE/HASH-profile: the registered collector root,
        and how larix finds the item .generations/ a file for each generation link that uses the front,
        holding the link's name

A front is made under a temporary name and renamed, so it is whole or absent. It lives while one of the links
it has on record points to it; `sweep`, run before a collection, removes the others, and with them their
roots.

`Direct` is the same interface where the store is visible to everybody: a generation link points to the item.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from larix.formats.storepath import StoreDir, StorePath

__all__ = ["Direct", "Facade", "Fronts"]

_PROGRAM_FOLDERS = ("bin", "sbin")
_RECORDS = ".generations"
_ITEM_LINK = "store-item"


class Facade(Protocol):
    """How generation links and store items of profiles belong together."""

    def presenting(
        self, item: StorePath, link: str, protect: Callable[[str], None]
    ) -> contextlib.AbstractContextManager[str]:
        """What the generation `link` should point to for `item`; the link is to be made within the context.

        `protect` registers an indirect collector root, given the name of a link.
        """
        ...

    def item_of(self, target: str) -> StorePath | None:
        """The store item behind what a generation link holds; None when it is no profile of this store."""
        ...

    def users(self) -> list[str]:
        """The generation links on record, whether they still exist or not."""
        ...

    def links_of(self, root: str) -> list[str]:
        """The generation links for whose sake `root`, a link, is a root of the collector; or just that."""
        ...

    def sweep(self) -> None:
        """Forget what no generation uses any more."""
        ...


class Direct(NamedTuple):
    """Generation links point to store items, and are themselves the collector's roots."""

    store_dir: StoreDir

    @contextlib.contextmanager
    def presenting(self, item: StorePath, link: str, protect: Callable[[str], None]) -> Generator[str]:
        yield item
        protect(link)

    def item_of(self, target: str) -> StorePath | None:
        if os.path.dirname(target) != self.store_dir:
            return None
        from larix.formats.storepath import parse_store_path

        return parse_store_path(self.store_dir, target)

    def users(self) -> list[str]:
        """None: the collector keeps the record of links itself."""
        return []

    def links_of(self, root: str) -> list[str]:
        return [root]

    def sweep(self) -> None:
        """Nothing to do: links are the roots."""


class Fronts(NamedTuple):
    """`root` is where the host keeps what the namespace shows as `mount` (the parent of the store directory).

    `enter` is the command line that runs the rest of itself inside the namespace.
    """

    store_dir: StoreDir
    mount: str
    root: str
    enter: tuple[str, ...]

    @property
    def folder(self) -> str:
        return f"{self.root}/fronts"

    @contextlib.contextmanager
    def presenting(self, item: StorePath, link: str, protect: Callable[[str], None]) -> Generator[str]:
        """Make the front of `item`, record `link` as its user, and register its root.

        The lock is held until the link is made: a sweep in between would take the front for unused.
        """
        front = f"{self.folder}/{os.path.basename(item)}"
        with self._locked():
            if not os.path.isdir(front):
                self._create(item, front)
            record = f"{front}/{_RECORDS}/{_record_name(link)}"
            _write_file(record, os.fsencode(link))
            _sync(record)
            _sync(f"{front}/{_RECORDS}")
            protect(f"{front}/{_ITEM_LINK}")
            yield front

    def item_of(self, target: str) -> StorePath | None:
        if os.path.dirname(target) != self.folder:
            return Direct(self.store_dir).item_of(target)
        with contextlib.suppress(OSError):
            return Direct(self.store_dir).item_of(os.readlink(f"{target}/{_ITEM_LINK}"))
        return None

    def users(self) -> list[str]:
        fronts = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return sorted(link for name in fronts for _, link in _records(f"{self.folder}/{name}"))

    def links_of(self, root: str) -> list[str]:
        """None lives of a front that waits to be swept: it is told by itself."""
        front, _, name = root.rpartition("/")
        if name != _ITEM_LINK or os.path.dirname(front) != self.folder:
            return [root]
        return sorted(link for _, link in _records(front) if _points_to(link, front)) or [root]

    def sweep(self) -> None:
        """Remove the fronts that no generation link points to any more, and leftovers of killed processes."""
        if not os.path.isdir(self.folder):
            return
        with self._locked():
            for name in sorted(os.listdir(self.folder)):
                front = f"{self.folder}/{name}"
                if name.startswith(".tmp-") or (not name.startswith(".") and not _is_used(front)):
                    _remove(front)

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        """One process at a time makes, records and sweeps, so that no front vanishes between these steps."""
        os.makedirs(self.folder, exist_ok=True)
        descriptor = os.open(f"{self.folder}/.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _create(self, item: StorePath, front: str) -> None:
        temporary = f"{self.folder}/.tmp-{os.path.basename(item)}"
        _remove(temporary)
        os.mkdir(temporary)
        os.mkdir(f"{temporary}/{_RECORDS}")
        os.symlink(item, f"{temporary}/{_ITEM_LINK}")
        for name in os.listdir(item):
            source, target = f"{item}/{name}", f"{temporary}/{name}"
            if name in _PROGRAM_FOLDERS and os.path.isdir(source):
                self._mirror_programs(source, target)
            else:
                self._mirror(source, target, item, front)
        _sync_tree(temporary)
        os.rename(temporary, front)
        _sync(self.folder)

    def _mirror(self, source: str, target: str, item: str, front: str) -> None:
        """Show `source`, inside the profile item, at `target`; a profile is shallow, so this may recurse."""
        if os.path.islink(source):
            os.symlink(self._on_host(os.readlink(source)), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            for name in os.listdir(source):
                self._mirror(f"{source}/{name}", f"{target}/{name}", item, front)
        else:
            with open(source, "rb") as file:
                contents = file.read()
            _write_file(target, contents.replace(os.fsencode(item), os.fsencode(front)))

    def _mirror_programs(self, source: str, target: str) -> None:
        os.mkdir(target)
        for name in os.listdir(source):
            program = f"{source}/{name}"
            if os.path.isfile(program) and os.access(program, os.X_OK):
                _write_file(f"{target}/{name}", self._launcher(program), mode=0o755)
            else:
                os.symlink(self._on_host(os.path.realpath(program)), f"{target}/{name}")

    def _on_host(self, target: str) -> str:
        """The name under which the host sees `target`, a file below `mount` inside the namespace."""
        prefix = self.mount + "/"
        return f"{self.root}/{target.removeprefix(prefix)}" if target.startswith(prefix) else target

    def _launcher(self, program: str) -> bytes:
        """A script for the host's shell; inside the namespace the program is there and is run directly."""
        import shlex

        quoted = shlex.quote(program)
        enter = shlex.join(self.enter)
        return os.fsencode(f'#!/bin/sh\n[ -x {quoted} ] && exec {quoted} "$@"\nexec {enter} {quoted} "$@"\n')


def _record_name(link: str) -> str:
    import hashlib

    return hashlib.sha256(os.fsencode(link)).hexdigest()[:32]


def _records(front: str) -> Iterable[tuple[str, str]]:
    """Each record's file, and the generation link it names."""
    folder = f"{front}/{_RECORDS}"
    try:
        names = os.listdir(folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise
    for name in names:
        with open(f"{folder}/{name}", "rb") as file:
            yield f"{folder}/{name}", os.fsdecode(file.read())


def _is_used(front: str) -> bool:
    """True while a recorded link points here; a link that cannot be looked at counts as pointing here."""
    used = False
    for record, link in list(_records(front)):
        if _points_to(link, front):
            used = True
        else:
            os.unlink(record)
    return used


def _points_to(link: str, front: str) -> bool:
    try:
        return os.readlink(link) == front
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL)


def _write_file(file: str, contents: bytes, *, mode: int = 0o644) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as stream:
        stream.write(contents)


def _sync_tree(top: str) -> None:
    """Make a whole tree durable, after all of it was written: the first sync then does most of the work."""
    for folder, _, names in os.walk(top):
        for name in names:
            if not os.path.islink(f"{folder}/{name}"):
                _sync(f"{folder}/{name}")
        _sync(folder)


def _sync(file: str) -> None:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(tree: str) -> None:
    try:
        status = os.lstat(tree)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        import shutil

        shutil.rmtree(tree)
    else:
        os.unlink(tree)
