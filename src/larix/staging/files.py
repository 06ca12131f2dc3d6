"""Things with a store file that need no package: local files, written texts, files inside other things.

On the host they stand for a file that does not exist yet. In a build they are paths, and type checkers,
which read build code and host code alike, are told so: dividing one gives what they take for a `Path`.
Asking one for its name on the host raises, so that no name is ever made up.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from typing import TYPE_CHECKING, NoReturn, cast

from larix.derivation import FileContent, Source, text_source, tree_source
from larix.errors import Location
from larix.formats.hashes import Hash
from larix.formats.nar import Directory, File, Symlink, Tree, encoder
from larix.formats.storepath import BadStoreName, StoreDir, check_name, make_fixed_path
from larix.staging.errors import LoweringError, StagingError
from larix.staging.lower import Item, describe, is_lowerable, place_of
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from larix.staging.lower import Lowerable, Lowering

__all__ = ["FileAppend", "LocalFile", "PlainText", "StoreFile", "caller_location", "local_file", "plain_text"]

_CHUNK = 1 << 20


def caller_location(depth: int = 2) -> Location:
    """Where the function `depth` calls up is at."""
    frame = sys._getframe(depth)  # pyright: ignore[reportPrivateUsage]
    return Location(frame.f_code.co_filename, frame.f_lineno)


def checked_name(name: str, place: Location | None) -> str:
    """`name` if a store item may have it; tells the place where it was given otherwise."""
    try:
        return check_name(name)
    except BadStoreName as error:
        raise LoweringError(f"{error.message}", place=place, hint=tr("give another `name`")) from error


class StoreFile:
    """What has a name in the store once it is lowered; the base of all that can be divided by a file name."""

    __slots__ = ()

    def __truediv__(self, part: str) -> Path:
        return cast("Path", FileAppend(cast("Lowerable", self), part))

    def __fspath__(self) -> str:
        self._refuse()

    def __str__(self) -> str:  # noqa: PLE0307  (it returns nothing at all)
        self._refuse()

    def __format__(self, spec: str) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise StagingError(
            tr("{value!r} has no file name on the host", value=self),
            name=describe(self),
            place=place_of(self),
            hint=tr("use it inside a build function, where it is a path"),
        )


class FileAppend(StoreFile):
    """A file inside something: `FileAppend(bash, "bin/sh")` is `bash / "bin/sh"`."""

    __slots__ = ("base", "part")

    def __init__(self, base: Lowerable, part: str) -> None:
        if not is_lowerable(base):
            raise StagingError(
                tr("{base} has no store file to look for `{part}` in", base=describe(base), part=part),
                name=describe(base),
            )
        if not part or part.startswith("/") or ".." in part.split("/") or "\0" in part:
            raise StagingError(
                tr("{part!a} is no relative file name in {base}", part=part, base=describe(base)),
                name=describe(base),
                place=place_of(base),
            )
        self.base = base
        self.part = part

    @property
    def name(self) -> str:
        return f"{describe(self.base)}/{self.part}"

    @property
    def location(self) -> Location | None:
        return place_of(self.base)

    def __repr__(self) -> str:
        return f"<file {self.part} in {self.base!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileAppend) and other.base is self.base and other.part == self.part

    def __hash__(self) -> int:
        return hash((id(self.base), self.part))

    def __lower__(self, lowering: Lowering) -> Item:
        item = lowering.lower(self.base)
        return item._replace(path=f"{item.path}/{self.part}")


class PlainText(StoreFile):
    """A text file, known word for word before anything is built."""

    __slots__ = ("contents", "location", "name")

    def __init__(self, name: str, contents: bytes, location: Location | None) -> None:
        self.name = checked_name(name, location)
        self.contents = contents
        self.location = location

    def __repr__(self) -> str:
        return f"<text {self.name}>"

    def __lower__(self, lowering: Lowering) -> Item:
        source = text_source(lowering.store_dir, self.name, self.contents)
        return Item(source.path, source)


def plain_text(name: str, text: str | bytes) -> PlainText:
    """A file called `name` that holds `text`, in UTF-8; it is not executable."""
    contents = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return PlainText(name, contents, caller_location())


class LocalFile(StoreFile):
    """A file or tree of this machine, hashed when it is lowered and read again when it is interned."""

    __slots__ = ("file", "location", "name", "recursive", "select")

    def __init__(
        self,
        file: str,
        *,
        name: str,
        recursive: bool,
        select: Callable[[str, os.stat_result], bool] | None,
        location: Location | None,
    ) -> None:
        self.file = file
        self.name = checked_name(name, location)
        self.recursive = recursive
        self.select = select
        self.location = location

    def __repr__(self) -> str:
        return f"<local file {self.file}>"

    def __lower__(self, lowering: Lowering) -> Item:
        try:
            source = self._source(lowering.store_dir)
        except OSError as error:
            raise LoweringError(
                tr(
                    "cannot read the local file `{filename}`: {problem}",
                    filename=os.fsdecode(error.filename or self.file),
                    problem=error.strerror,
                ),
                place=self.location,
            ) from error
        return Item(source.path, source)

    def _source(self, store_dir: StoreDir) -> Source:
        file = os.path.realpath(self.file)
        if self.select is not None:
            return tree_source(store_dir, self.name, self._read_tree(file, file))
        if not self.recursive and not stat.S_ISREG(os.stat(file).st_mode):
            raise LoweringError(
                tr("the local file `{file}` is not a regular file", file=self.file),
                place=self.location,
                hint=tr("give `recursive=True` for a directory"),
            )
        hasher = hashlib.sha256()
        if self.recursive:
            hasher.update(encoder.ARCHIVE_START)
            self._hash_node(os.fsencode(file), None, hasher.update)
        else:
            _feed(os.fsencode(file), hasher.update)
        digest = Hash("sha256", hasher.digest())
        path = make_fixed_path(store_dir, self.name, digest, recursive=self.recursive)
        return Source(path, (), FileContent(file, self.recursive))

    def _hash_node(self, file: bytes, entry: bytes | None, feed: Callable[[bytes], object]) -> None:
        """Feed the archive of a file that is called `entry` in a directory, or is the root of it all."""
        status = os.lstat(file)
        if stat.S_ISREG(status.st_mode):
            size, executable = status.st_size, bool(status.st_mode & stat.S_IXUSR)
            if entry is None:
                feed(encoder.regular_start(size, executable=executable))
            else:
                feed(encoder.regular_entry_start(entry, size, executable=executable))
            if _feed(file, feed) != size:
                raise LoweringError(
                    tr("the local file `{file}` changed while it was read", file=os.fsdecode(file)),
                    place=self.location,
                )
            feed(encoder.regular_end(size) if entry is None else encoder.regular_entry_end(size))
        elif stat.S_ISLNK(status.st_mode):
            target = os.readlink(file)
            feed(encoder.symlink(target) if entry is None else encoder.symlink_entry(entry, target))
        elif stat.S_ISDIR(status.st_mode):
            feed(encoder.DIRECTORY_START if entry is None else encoder.directory_entry_start(entry))
            for name in sorted(os.listdir(file)):
                self._hash_node(file + b"/" + name, name, feed)
            feed(encoder.DIRECTORY_END if entry is None else encoder.DIRECTORY_ENTRY_END)
        else:
            self._refuse_kind(os.fsdecode(file))

    def _read_tree(self, file: str, root: str) -> Tree:
        status = os.lstat(file)
        if stat.S_ISREG(status.st_mode):
            with open(file, "rb") as stream:
                return File(stream.read(), executable=bool(status.st_mode & stat.S_IXUSR))
        if stat.S_ISLNK(status.st_mode):
            return Symlink(os.fsencode(os.readlink(file)))
        if not stat.S_ISDIR(status.st_mode):
            self._refuse_kind(file)
        entries: dict[bytes, Tree] = {}
        for name in sorted(os.listdir(file)):
            inner = os.path.join(file, name)
            if self.select is None or self.select(os.path.relpath(inner, root), os.lstat(inner)):
                entries[os.fsencode(name)] = self._read_tree(inner, root)
        return Directory(entries)

    def _refuse_kind(self, file: str) -> NoReturn:
        raise LoweringError(
            tr(
                "the local file `{file}` is neither a regular file, a directory nor a symbolic link",
                file=file,
            ),
            place=self.location,
        )


def _feed(file: bytes, feed: Callable[[bytes], object]) -> int:
    size = 0
    with open(file, "rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            feed(chunk)
            size += len(chunk)
    return size


def local_file(
    file: str | os.PathLike[str],
    name: str | None = None,
    *,
    recursive: bool = False,
    select: Callable[[str, os.stat_result], bool] | None = None,
) -> LocalFile:
    """A file of this machine, its name relative to the source file that calls; a link at its end is followed.

    `recursive` keeps directories and the executable bit; without it, only the bytes of one regular file
    count. `select`, given each name below the directory and its status, tells what to take; it implies
    `recursive`, and the tree is then held in memory. The default `name` is the last part of the file's
    name.
    """
    location = caller_location()
    given = os.fspath(file)
    directory = os.path.dirname(os.path.abspath(location.file)) if os.path.exists(location.file) else ""
    absolute = os.path.normpath(os.path.join(directory, os.path.expanduser(given)))
    return LocalFile(
        absolute,
        name=os.path.basename(absolute) if name is None else name,
        recursive=recursive or select is not None,
        select=select,
        location=location,
    )
