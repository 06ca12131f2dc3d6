"""What indirect roots point to, noted for the time when nobody can look: a home is closed, a disk away.

For each link a file in `root-notes`, called as its link in `gcroots/auto`. The first line is the mount point
of the file system that the link is on, the others are the items that it keeps:

    /home
    /larix/store/...-hello-2.10

Where a daemon may not look at a link that it is told of, the client's temporary roots are noted instead, as
one of them is what it points to; in a file of that client's own, `NAME.told/UID`, so that no other can take
it back.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from larix.formats.storepath import BadStorePath, StorePath, parse_store_path
from larix.store.atomic import write_file
from larix.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.store.layout import Layout

__all__ = ["RootNotes"]


class _Note(NamedTuple):
    mount: str
    paths: tuple[StorePath, ...]


class RootNotes:
    """Those of one state directory. `name` is that of the link in `gcroots/auto`."""

    def __init__(self, layout: Layout) -> None:
        self._store_dir = layout.store_dir
        self._folder = layout.root_notes_dir

    def note(self, name: str, link: str, paths: Iterable[StorePath], *, teller: int | None = None) -> None:
        """Note what `link` keeps, durably, as far as that is not what is noted already.

        `teller` is the user who says so, None: this process has seen it.
        """
        seen = f"{self._folder}/{name}"
        file = seen if teller is None else f"{seen}.told/{teller}"
        wanted = tuple(sorted(set(paths)))
        found = self._read(file)
        if found is not None and found.paths == wanted and found.mount:
            return
        mount = mount_point(os.path.dirname(link))
        os.makedirs(os.path.dirname(file), exist_ok=True)
        write_file(file, "".join(f"{line}\n" for line in (mount, *wanted)).encode())

    def refresh(self, name: str, link: str, paths: Iterable[StorePath]) -> None:
        """Note what is seen now, during a collection: that goes on without, where there is no room."""
        with suppress(StoreError, OSError):
            self.note(name, link, paths)
            self._forget_told(name)

    def paths(self, name: str) -> set[StorePath] | None:
        """All that was seen or told; None if nothing was noted."""
        notes = self._notes(name)
        return {path for note in notes for path in note.paths} if notes else None

    def is_gone_for_good(self, name: str, link: str) -> bool:
        """Whether the folder of `link` is missing where it was, and not because a file system is."""
        mounts = {note.mount for note in self._notes(name) if note.mount}
        above = os.path.dirname(link)
        while True:
            try:
                os.lstat(above)
            except (FileNotFoundError, NotADirectoryError):
                above = os.path.dirname(above)
            except OSError:
                return False
            else:
                return mount_point(above) in mounts

    def forget(self, name: str) -> None:
        """There is no such link any more."""
        with suppress(OSError):
            self._forget_told(name)
            os.unlink(f"{self._folder}/{name}")

    def _notes(self, name: str) -> list[_Note]:
        files = [f"{self._folder}/{name}", *self._told(name)]
        return [note for file in files if (note := self._read(file)) is not None]

    def _forget_told(self, name: str) -> None:
        told = self._told(name)
        for file in told:
            os.unlink(file)
        if told:
            os.rmdir(f"{self._folder}/{name}.told")

    def _told(self, name: str) -> list[str]:
        folder = f"{self._folder}/{name}.told"
        try:
            return [f"{folder}/{each}" for each in os.listdir(folder)]
        except FileNotFoundError:
            return []

    def _read(self, file: str) -> _Note | None:
        try:
            with open(file, encoding="utf-8", errors="surrogateescape") as opened:
                mount, *lines = opened.read().split("\n")
        except FileNotFoundError:
            return None
        paths: list[StorePath] = []
        for line in lines:
            with suppress(BadStorePath):
                paths.append(parse_store_path(self._store_dir, line))
        return _Note(mount, tuple(paths))


def mount_point(folder: str) -> str:
    """Where the file system of `folder` is mounted, as `/proc` writes it; empty if that is not known."""
    try:
        handle = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as file:
            numbers = [line.split()[1] for line in file if line.startswith("mnt_id:")]
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            fields = (line.split(" ") for line in file)
            return next((row[4] for row in fields if row[0] in numbers), "")
    except OSError:
        return ""
    finally:
        os.close(handle)
