"""From content to a tree under a temporary name, with its record: all that precedes publishing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from larix.formats.hashes import Hash, new_hasher
from larix.formats.nar import BadNar, Decoder
from larix.formats.selfhash import SelfReferenceHasher
from larix.formats.storepath import (
    BadStorePath,
    StoreDir,
    StorePath,
    hash_part,
    make_fixed_path,
    make_text_path,
    name_part,
)
from larix.protocol.store import PathInfo
from larix.store.errors import StoreError, quoted
from larix.store.ingest import Incoming
from larix.store.pipeline import Lane, run
from larix.store.refscan import ReferenceScanner
from larix.store.tree import CHUNK, ENTER, FILE, LARGE, LINK, Step, StepsOfEvents, read_steps
from larix.store.treewriter import TreeWriter
from larix.words import tr

if TYPE_CHECKING:
    from larix.formats.hashes import Hasher

__all__ = [
    "ArchiveMismatch",
    "NotAFlatFile",
    "Staged",
    "ingest_tree",
    "stage_archive",
    "stage_dump",
    "stage_path",
]

_KEPT_IN_MEMORY = 64 * 1024 * 1024


class NotAFlatFile(StoreError):
    """Flat hashing was asked of something that is not one regular file."""


class ArchiveMismatch(StoreError):
    """An archive is not what its record says."""


class Staged(NamedTuple):
    """A record, and the temporary tree to publish under its path; None when there was nothing to write."""

    info: PathInfo
    incoming: Incoming | None


class _HeldWriter:
    """Keeps steps in memory until they are many: small content that the store has is never written.

    When they are many, `is_expected` is asked whether the content will probably turn out to be there. If so
    nothing is written, and `is_dropped` says that it must be read again if it is not.
    """

    def __init__(self, incoming: Incoming, is_expected: Callable[[], bool]) -> None:
        self._incoming = incoming
        self._is_expected = is_expected
        self.is_dropped = False
        self._held: list[list[Step]] = []
        self._size = 0
        self._writer: TreeWriter | None = None

    def take(self, steps: list[Step]) -> None:
        if self._writer is not None:
            self._writer.take(steps)
            return
        if self.is_dropped:
            return
        self._held.append(steps)
        for step in steps:
            if step[0] in {FILE, CHUNK}:
                self._size += len(step[-1])
            self._size += 200
        if self._size > _KEPT_IN_MEMORY:
            self.is_dropped = self._is_expected()
            if self.is_dropped:
                self._held.clear()
            else:
                self._flush()

    def _flush(self) -> None:
        self._writer = self._writer or TreeWriter(self._incoming.file, self._incoming.watch)
        held, self._held = self._held, []
        for steps in held:
            self._writer.take(steps)

    def finish(self) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.sync()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _flat(steps: Iterable[Step], where: bytes) -> Iterator[Step]:
    """The one file that flat hashing knows of; it never is executable."""
    for step in steps:
        kind = step[0]
        if kind in {ENTER, LINK}:
            raise NotAFlatFile(
                tr("`{where}` is not a regular file", where=quoted(where)),
                hint=tr("add directories and links recursively"),
            )
        if kind in {FILE, LARGE}:
            yield (kind, step[1], False, step[3])
        else:
            yield step


def stage_path(
    store_dir: StoreDir,
    name: str,
    file: str | bytes,
    incoming: Incoming,
    *,
    recursive: bool,
    algo: str,
    keep: Callable[[bytes], bool] | None,
    is_present: Callable[[StorePath], bool],
    is_expected: Callable[[], bool] = lambda: False,
) -> Staged:
    """Hash `file`, and have it at `incoming` unless its path `is_present`.

    It is read once; twice only if it is large and `is_expected` was wrong to say that it is present.
    """
    archive_hash = new_hasher("sha256")
    content_hash = archive_hash if recursive and algo == "sha256" else new_hasher(algo)
    archive_hashers = (
        [archive_hash, content_hash] if recursive and content_hash is not archive_hash else [archive_hash]
    )
    steps: Iterable[Step] = read_steps(file, keep=keep)
    if not recursive:
        steps = _flat(steps, os.fsencode(file))
    writer = _HeldWriter(incoming, is_expected)
    try:
        size = run(
            steps,
            archive=[hasher.update for hasher in archive_hashers],
            contents=() if recursive else [content_hash.update],
            write=writer.take,
        )
        info = _content_addressed(
            store_dir, name, archive_hash, size, Hash(algo, content_hash.digest()), recursive=recursive
        )
        if is_present(info.path):
            writer.close()
            incoming.discard()
            return Staged(info, None)
        if not writer.is_dropped:
            writer.finish()
    except BaseException:
        writer.close()
        incoming.discard()
        raise
    if writer.is_dropped:
        return stage_path(
            store_dir,
            name,
            file,
            incoming,
            recursive=recursive,
            algo=algo,
            keep=keep,
            is_present=is_present,
        )
    return Staged(info, incoming)


def _content_addressed(
    store_dir: StoreDir,
    name: str,
    archive: Hasher,
    size: int,
    content: Hash,
    *,
    recursive: bool,
    references: tuple[StorePath, ...] = (),
) -> PathInfo:
    return PathInfo(
        make_fixed_path(store_dir, name, content, recursive=recursive, references=references),
        Hash("sha256", archive.digest()),
        size,
        references,
        content_address=f"fixed:{'r:' if recursive else ''}{content}",
    )


def stage_dump(
    store_dir: StoreDir,
    name: str,
    chunks: Iterable[bytes],
    incoming: Incoming,
    *,
    recursive: bool,
    algo: str,
    references: tuple[StorePath, ...],
) -> Staged:
    """Unpack an archive of which nothing is known before, and name what it holds by its content.

    Raises `ArchiveMismatch` when it is damaged, `NotAFlatFile` when a flat one is not of one regular file.
    """
    archive_hash = new_hasher("sha256")
    content_hash = archive_hash if recursive and algo == "sha256" else new_hasher(algo)
    lane = Lane(archive_hash.update)
    decoder, events = Decoder(), StepsOfEvents()
    writer = TreeWriter(incoming.file, incoming.watch)
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            lane.put(bytes(chunk))
            steps = list(events.steps(decoder.feed(chunk)))
            if not recursive:
                steps = list(_flat(steps, name.encode()))
                for step in steps:
                    if step[0] == FILE:
                        content_hash.update(step[3])
                    elif step[0] == CHUNK:
                        content_hash.update(step[1])
            elif content_hash is not archive_hash:
                content_hash.update(chunk)
            writer.take(steps)
        decoder.close()
        lane.finish()
        info = _content_addressed(
            store_dir,
            name,
            archive_hash,
            size,
            Hash(algo, content_hash.digest()),
            recursive=recursive,
            references=references,
        )
        writer.sync()
    except BaseException as error:
        lane.stop()
        writer.close()
        incoming.discard()
        if isinstance(error, BadNar):
            raise ArchiveMismatch(
                tr("the archive of `{name}` is damaged: {message}", name=name, message=error.message)
            ) from error
        raise
    return Staged(info, incoming)


def stage_archive(info: PathInfo, chunks: Iterable[bytes], incoming: Incoming) -> Staged:
    """Unpack an archive, believing nothing: its size, its hash, a content address must be as `info` says.

    Nothing stands outside of `incoming` whatever the archive holds. Raises `ArchiveMismatch`.
    """
    hasher = new_hasher("sha256")
    lane = Lane(hasher.update)
    check = _AddressCheck(info)
    decoder, events = Decoder(), StepsOfEvents()
    writer = TreeWriter(incoming.file, incoming.watch)
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size <= info.nar_size:
                lane.put(bytes(chunk))
                steps = list(events.steps(decoder.feed(chunk)))
                check.take(chunk, steps)
                writer.take(steps)
            else:
                _refuse_size(info)
        decoder.close()
        lane.finish()
        check.finish(size, Hash("sha256", hasher.digest()))
        writer.sync()
    except BaseException as error:
        lane.stop()
        writer.close()
        incoming.discard()
        if isinstance(error, BadNar):
            raise ArchiveMismatch(
                tr("the archive of `{path}` is damaged: {problem}", path=info.path, problem=error.message)
            ) from error
        raise
    return Staged(info, incoming)


def _refuse_size(info: PathInfo) -> None:
    raise ArchiveMismatch(
        tr(
            "the archive of `{path}` is longer than the promised {nar_size} bytes",
            path=info.path,
            nar_size=info.nar_size,
        )
    )


class _AddressCheck:
    """Whether content is what its content address and its path say.

    The hash of a flat file does not tell whether it is executable: `nix-store --add-fixed` sends it as it is.
    """

    def __init__(self, info: PathInfo) -> None:
        self._info = info
        self._kind, self._algo, self._digits = _parse_address(info)
        self._names_itself = info.path in info.references
        self._flat = new_hasher(self._algo) if self._kind in {"text", "fixed"} else None
        self._blanked: SelfReferenceHasher | None = None
        self._archive: Hasher | None = None
        if self._kind == "fixed:r":
            if self._names_itself:
                self._blanked = SelfReferenceHasher(hash_part(info.path), self._algo)
            elif self._algo != "sha256":
                self._archive = new_hasher(self._algo)

    def take(self, chunk: bytes | bytearray | memoryview, steps: Iterable[Step]) -> None:
        """A piece of the archive, and the steps that ended in it."""
        if self._blanked is not None:
            self._blanked.update(chunk)
        elif self._archive is not None:
            self._archive.update(chunk)
        if self._flat is None:
            return
        for step in steps:
            if step[0] in {ENTER, LINK} or (self._kind == "text" and step[0] in {FILE, LARGE} and step[2]):
                raise ArchiveMismatch(
                    tr(
                        "`{path}` is content-addressed as a plain file, and is none",
                        path=self._info.path,
                    )
                )
            if step[0] == FILE:
                self._flat.update(step[3])
            elif step[0] == CHUNK:
                self._flat.update(step[1])

    def finish(self, size: int, archive: Hash) -> None:
        info = self._info
        if size != info.nar_size or archive != info.nar_hash:
            raise ArchiveMismatch(
                tr(
                    "the archive of `{path}` has hash `{archive}` and {size} bytes, not `{nar_hash}` and "
                    "{nar_size}",
                    path=info.path,
                    archive=archive,
                    size=size,
                    nar_hash=info.nar_hash,
                    nar_size=info.nar_size,
                )
            )
        if not self._kind:
            return
        actual = self._actual(archive)
        if str(actual) != f"{self._algo}:{self._digits}":
            raise ArchiveMismatch(
                tr(
                    "`{path}` should be `{content_address}` by its record, and is `{actual}`",
                    path=info.path,
                    content_address=info.content_address,
                    actual=actual,
                )
            )
        expected = self._path_of(actual)
        if expected != info.path:
            raise ArchiveMismatch(
                tr(
                    "what has the address `{content_address}` is `{expected}`, not `{path}`",
                    content_address=info.content_address,
                    expected=expected,
                    path=info.path,
                )
            )

    def _actual(self, archive: Hash) -> Hash:
        if self._blanked is not None:
            return self._blanked.finish()
        hasher = self._flat or self._archive
        return archive if hasher is None else Hash(self._algo, hasher.digest())

    def _path_of(self, actual: Hash) -> StorePath:
        """The path that follows from the content. Raises ArchiveMismatch where none can."""
        info = self._info
        store_dir, name = StoreDir(os.path.dirname(info.path)), name_part(info.path)
        others = tuple(each for each in info.references if each != info.path)
        try:
            if self._kind == "text" and not self._names_itself:
                return make_text_path(store_dir, name, actual.digest, others)
            return make_fixed_path(
                store_dir,
                name,
                actual,
                recursive=self._kind == "fixed:r",
                references=others,
                self_reference=self._names_itself,
            )
        except BadStorePath as error:
            raise ArchiveMismatch(
                tr(
                    "nothing that refers to what `{path}` refers to has the address `{content_address}`",
                    path=info.path,
                    content_address=info.content_address,
                )
            ) from error


def _parse_address(info: PathInfo) -> tuple[str, str, str]:
    if info.content_address is None:
        return "", "", ""
    kind, _, rest = info.content_address.partition(":")
    if kind == "fixed" and rest.startswith("r:"):
        kind, rest = "fixed:r", rest[2:]
    algo, _, digits = rest.partition(":")
    if kind not in {"text", "fixed", "fixed:r"} or not digits or (kind == "text" and algo != "sha256"):
        raise ArchiveMismatch(
            tr(
                "the content address `{content_address}` of `{path}` makes no sense",
                content_address=info.content_address,
                path=info.path,
            )
        )
    return kind, algo, digits


class Taken(NamedTuple):
    nar_hash: Hash
    nar_size: int
    references: frozenset[StorePath]
    content_hash: Hash | None


def ingest_tree(
    source: str | bytes,
    incoming: Incoming,
    *,
    dir_fd: int | None,
    candidates: Iterable[StorePath],
    content: tuple[str, bool] | None,
) -> Taken:
    """Copy a tree into fresh inodes at `incoming`; hash and scan it in the same pass; make it durable."""
    archive_hash = new_hasher("sha256")
    archive_actions: list[Callable[[bytes], object]] = [archive_hash.update]
    bare_actions: list[Callable[[bytes], object]] = []
    content_hash: Hasher | None = None
    steps: Iterable[Step] = read_steps(source, dir_fd=dir_fd)
    if content is not None:
        algo, recursive = content
        content_hash = archive_hash if recursive and algo == "sha256" else new_hasher(algo)
        if not recursive:
            bare_actions.append(content_hash.update)
            steps = _flat(steps, os.fsencode(source))
        elif content_hash is not archive_hash:
            archive_actions.append(content_hash.update)
    scanner = ReferenceScanner(candidates)
    writer = TreeWriter(incoming.file, incoming.watch)
    try:
        size = run(
            steps, archive=archive_actions, contents=bare_actions, scan=scanner.feed, write=writer.take
        )
        writer.sync()
    except BaseException:
        writer.close()
        incoming.discard()
        raise
    return Taken(
        Hash("sha256", archive_hash.digest()),
        size,
        frozenset(scanner.found),
        Hash(content[0], content_hash.digest()) if content is not None and content_hash is not None else None,
    )
