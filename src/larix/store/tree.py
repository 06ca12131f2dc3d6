"""Trees as a flat sequence of steps: what readers of files, archives and memory give, and a writer takes.

    tree       = file | large | link | directory
    file       = (FILE, name, executable, contents)
    large      = (LARGE, name, executable, size)  (CHUNK, bytes)*  (END_LARGE, size)
    link       = (LINK, name, target)
    directory  = (ENTER, name)  tree*  (LEAVE,)             entries sorted by their bytes

The name of the root is `ROOT_NAME`, which no entry can have. Steps are plain tuples and not records: fifty
thousand files are a hundred thousand steps, and each record would cost more than the system call beside it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from larix.formats.nar import Directory, DirectoryStart, End, Entry, Event, File, Regular, Symlink, Tree
from larix.formats.nar.decoder import Contents
from larix.formats.nar.encoder import (
    ARCHIVE_START,
    DIRECTORY_END,
    DIRECTORY_ENTRY_END,
    DIRECTORY_START,
    directory_entry_start,
    regular_end,
    regular_entry_end,
    regular_entry_start,
    regular_start,
    symlink,
    symlink_entry,
)
from larix.store.errors import StoreError, os_failure, quoted
from larix.words import mark, tr

__all__ = [
    "CHUNK",
    "END_LARGE",
    "ENTER",
    "FILE",
    "LARGE",
    "LEAVE",
    "LINK",
    "ROOT_NAME",
    "ChangedWhileRead",
    "Framing",
    "Step",
    "StepsOfEvents",
    "UnsupportedFileType",
    "archive_of",
    "read_archive",
    "read_steps",
    "steps_of_tree",
]

FILE, LARGE, CHUNK, END_LARGE, LINK, ENTER, LEAVE = range(7)
ROOT_NAME = b""
Step = tuple[Any, ...]

WHOLE_FILE = 256 * 1024  # files up to this are one step
_CHUNK_SIZE = 1024 * 1024
_PIECE_SIZE = 256 * 1024
_BUFFER_SIZE = 256 * 1024  # fits beside the hash state in the cache of one core
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsupportedFileType(StoreError):
    """A socket, pipe or device: nothing that has content to be kept."""


class ChangedWhileRead(StoreError):
    """A tree changed under its reader, which can therefore not tell what it is."""

    temporary = True


_TYPES = {
    stat.S_IFSOCK: mark("a socket"),
    stat.S_IFIFO: mark("a named pipe"),
    stat.S_IFBLK: mark("a block device"),
    stat.S_IFCHR: mark("a character device"),
}


def _unsupported(where: bytes, mode: int) -> UnsupportedFileType:
    kind = tr(_TYPES.get(stat.S_IFMT(mode), mark("of an unknown type")))
    return UnsupportedFileType(
        tr("`{where}` is {kind}, which a store item cannot hold", where=quoted(where), kind=kind),
        hint=tr("a store item is made of files, directories and symbolic links"),
    )


class _Level:
    __slots__ = ("entries", "identity", "name")

    def __init__(self, name: bytes, descriptor: int, where: Callable[[], bytes]) -> None:
        status = os.fstat(descriptor)
        self.name = name
        self.identity = (status.st_dev, status.st_ino)
        with os.scandir(descriptor) as found:
            entries: list[tuple[bytes, int]] = []
            for entry in found:
                if entry.is_file(follow_symlinks=False):
                    kind = FILE
                elif entry.is_dir(follow_symlinks=False):
                    kind = ENTER
                elif entry.is_symlink():
                    kind = LINK
                else:
                    mode = entry.stat(follow_symlinks=False).st_mode
                    raise _unsupported(where() + b"/" + os.fsencode(entry.name), mode)
                entries.append((os.fsencode(entry.name), kind))
        entries.sort(reverse=True)
        self.entries = entries


def read_steps(
    file: str | bytes,
    *,
    dir_fd: int | None = None,
    keep: Callable[[bytes], bool] | None = None,
    borrow: bool = False,
) -> Iterator[Step]:
    """The steps of a file, link or tree on disk, in the order of its archive.

    No link is followed, at the root neither; nothing is opened by more than one name component, so a tree
    that others change while it is read gives some tree or `ChangedWhileRead`, never files from elsewhere.
    Three descriptors at any depth. `keep` is given the whole name of each entry and may refuse it, with all
    below it. With `borrow`, chunks are views of one buffer, good until the next step is asked for: new memory
    for each costs a fifth of the hashing.
    """
    root = os.fsencode(file)
    buffer = memoryview(bytearray(_BUFFER_SIZE)) if borrow else None
    try:
        yield from _read(root, dir_fd, keep, buffer)
    except OSError as error:
        raise os_failure(tr("read"), root, error) from error


def _read(
    root: bytes, dir_fd: int | None, keep: Callable[[bytes], bool] | None, buffer: memoryview | None
) -> Iterator[Step]:
    mode = os.stat(root, dir_fd=dir_fd, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        yield (LINK, ROOT_NAME, os.readlink(root, dir_fd=dir_fd))
        return
    if stat.S_ISREG(mode):
        yield from _read_file(root, ROOT_NAME, dir_fd, root, buffer)
        return
    if not stat.S_ISDIR(mode):
        raise _unsupported(root, mode)
    current = os.open(root, _OPEN_DIRECTORY, dir_fd=dir_fd)
    try:
        above: list[_Level] = []

        def where() -> bytes:
            return b"/".join([root, *[level.name for level in above[1:]], level.name] if above else [root])

        level: _Level
        level = _Level(root, current, lambda: root)
        yield (ENTER, ROOT_NAME)
        while True:
            if not level.entries:
                yield (LEAVE,)
                if not above:
                    return
                parent = os.open("..", _OPEN_DIRECTORY, dir_fd=current)
                os.close(current)
                current = parent
                level = above.pop()
                status = os.fstat(current)
                if (status.st_dev, status.st_ino) != level.identity:
                    raise ChangedWhileRead(tr("`{root}` was moved while it was read", root=quoted(root)))
                continue
            name, kind = level.entries.pop()
            if keep is not None and not keep(where() + b"/" + name):
                continue
            if kind == FILE:
                descriptor = os.open(name, _OPEN_FILE, dir_fd=current)
                status = os.fstat(descriptor)
                size = status.st_size
                if size > WHOLE_FILE or not stat.S_ISREG(status.st_mode):
                    os.close(descriptor)
                    yield from _read_file(name, name, current, where() + b"/" + name, buffer)
                    continue
                try:
                    contents = os.read(descriptor, size + 1)
                finally:
                    os.close(descriptor)
                if len(contents) != size:
                    raise _changed(where() + b"/" + name)
                yield (FILE, name, bool(status.st_mode & 0o100), contents)
            elif kind == LINK:
                yield (LINK, name, os.readlink(name, dir_fd=current))
            else:
                below = os.open(name, _OPEN_DIRECTORY, dir_fd=current)
                os.close(current)
                current = below
                above.append(level)
                level = _Level(name, current, lambda: where() + b"/" + name)  # noqa: B023 - used at once
                yield (ENTER, name)
    finally:
        os.close(current)


def _changed(where: bytes) -> ChangedWhileRead:
    return ChangedWhileRead(
        tr("`{where}` changed while it was read", where=quoted(where)),
        hint=tr("try again when nothing writes to it"),
    )


def _read_file(
    file: bytes, name: bytes, dir_fd: int | None, where: bytes, buffer: memoryview | None
) -> Iterator[Step]:
    descriptor = os.open(file, _OPEN_FILE, dir_fd=dir_fd)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unsupported(where, status.st_mode)
        size, executable = status.st_size, bool(status.st_mode & 0o100)
        if size <= WHOLE_FILE:
            contents = os.read(descriptor, size + 1)
            if len(contents) != size:
                raise _changed(where)
            yield (FILE, name, executable, contents)
            return
        yield (LARGE, name, executable, size)
        left = size
        while left:
            if buffer is None:
                chunk: bytes | memoryview = os.read(descriptor, min(left, _CHUNK_SIZE))
            else:
                chunk = buffer[: os.readv(descriptor, [buffer[: min(left, _BUFFER_SIZE)]])]
            if not chunk:
                raise _changed(where)
            left -= len(chunk)
            yield (CHUNK, chunk)
        if os.read(descriptor, 1):
            raise _changed(where)
        yield (END_LARGE, size)
    finally:
        os.close(descriptor)


def steps_of_tree(tree: Tree) -> Iterator[Step]:
    """The steps of a tree in memory, of any depth."""
    todo: list[Iterator[tuple[bytes, Tree]]] = [iter([(ROOT_NAME, tree)])]
    while todo:
        name, node = next(todo[-1], (ROOT_NAME, None))
        if node is None:
            todo.pop()
            if todo:
                yield (LEAVE,)
        elif isinstance(node, File):
            yield (FILE, name, node.executable, node.contents)
        elif isinstance(node, Symlink):
            yield (LINK, name, node.target)
        else:
            yield (ENTER, name)
            todo.append(iter(sorted(_entries(node))))


def _entries(directory: Directory) -> Iterable[tuple[bytes, Tree]]:
    return directory.entries.items()


class StepsOfEvents:
    """Turns the events of an archive decoder into steps; small files are put together into one."""

    __slots__ = ("_executable", "_name", "_pieces", "_size", "_stack")

    def __init__(self) -> None:
        self._name = ROOT_NAME
        self._stack: list[bool] = []  # of open nodes: is it a directory?
        self._pieces: list[memoryview] | None = None
        self._executable = False
        self._size = 0

    def steps(self, events: Iterable[Event]) -> Iterator[Step]:
        for event in events:
            if isinstance(event, Contents):
                if self._pieces is None:
                    yield (CHUNK, event.data)
                else:
                    self._pieces.append(event.data)
            elif isinstance(event, Entry):
                self._name = event.name
            elif isinstance(event, Regular):
                self._stack.append(False)
                self._executable, self._size = event.executable, event.size
                self._pieces = [] if event.size <= WHOLE_FILE else None
                if self._pieces is None:
                    yield (LARGE, self._name, event.executable, event.size)
            elif isinstance(event, DirectoryStart):
                self._stack.append(True)
                yield (ENTER, self._name)
            elif isinstance(event, End):
                if self._stack.pop():
                    yield (LEAVE,)
                elif self._pieces is None:
                    yield (END_LARGE, self._size)
                else:
                    yield (FILE, self._name, self._executable, b"".join(self._pieces))
            else:
                yield (LINK, self._name, event.target)


class Framing:
    """The archive of a sequence of steps, as pieces of bytes."""

    __slots__ = ("_depth",)

    def __init__(self) -> None:
        self._depth = 0

    def append(self, pieces: list[bytes], step: Step) -> None:
        """Append to `pieces` what `step` adds to the archive."""
        kind = step[0]
        if self._depth == 0:
            self._append_root(pieces, step)
        elif kind == FILE:
            _, name, executable, contents = step
            size = len(contents)
            pieces += (
                regular_entry_start(name, size, executable=executable),
                contents,
                regular_entry_end(size),
            )
        elif kind == ENTER:
            self._depth += 1
            pieces.append(directory_entry_start(step[1]))
        elif kind == LEAVE:
            self._depth -= 1
            pieces.append(DIRECTORY_ENTRY_END if self._depth else DIRECTORY_END)
        elif kind == LINK:
            pieces.append(symlink_entry(step[1], step[2]))
        elif kind == CHUNK:
            pieces.append(step[1])
        elif kind == LARGE:
            pieces.append(regular_entry_start(step[1], step[3], executable=step[2]))
        else:
            pieces.append(regular_entry_end(step[1]))

    def _append_root(self, pieces: list[bytes], step: Step) -> None:
        kind = step[0]
        if kind == FILE:
            _, _, executable, contents = step
            size = len(contents)
            pieces += (ARCHIVE_START, regular_start(size, executable=executable), contents, regular_end(size))
        elif kind == ENTER:
            self._depth = 1
            pieces += (ARCHIVE_START, DIRECTORY_START)
        elif kind == LINK:
            pieces += (ARCHIVE_START, symlink(step[2]))
        elif kind == LARGE:
            pieces += (ARCHIVE_START, regular_start(step[3], executable=step[2]))
        elif kind == CHUNK:
            pieces.append(step[1])
        else:
            pieces.append(regular_end(step[1]))


def archive_of(steps: Iterable[Step]) -> Iterator[bytes]:
    """The archive of a sequence of steps, in pieces of some size."""
    framing = Framing()
    pieces: list[bytes] = []
    size = 0
    for step in steps:
        before = len(pieces)
        framing.append(pieces, step)
        size += sum(map(len, pieces[before:]))
        if size >= _PIECE_SIZE:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def read_archive(file: str | bytes, *, keep: Callable[[bytes], bool] | None = None) -> Iterator[bytes]:
    """The archive of a file, link or tree on disk; see `read_steps`."""
    return archive_of(read_steps(file, keep=keep))
