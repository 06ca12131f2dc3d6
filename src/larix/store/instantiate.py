"""A whole graph into the store at once: one question, one journal, plain writes, one transaction.

Texts need no locks: the same path always gets the same bytes, a file is created exclusively or renamed over,
and nothing is valid before its batch is registered. So two processes may write the same graph side by side.
Trees do: the caller of `write_items` holds their locks.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from hashlib import sha256

from larix.derivation.lowered import Lowered, instantiation_order
from larix.derivation.source import Source, TextContent, TreeContent
from larix.formats.hashes import Hash
from larix.formats.nar import Decoder
from larix.formats.nar.encoder import ARCHIVE_START, regular_end, regular_start
from larix.formats.storepath import StoreDir, StorePath, make_fixed_path
from larix.protocol.store import PathInfo
from larix.store.atomic import sync_file_system, write_all
from larix.store.errors import os_failure
from larix.store.ingest import Incoming
from larix.store.journal import Journal, Record
from larix.store.pipeline import run
from larix.store.tree import FILE, ROOT_NAME, Step, StepsOfEvents, read_steps, steps_of_tree
from larix.store.treewriter import TreeWriter
from larix.words import tr

__all__ = ["DerivationOutput", "Graph", "write_items"]

DerivationOutput = tuple[StorePath, str, StorePath]

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE = 0o444
_SMALL = 64 * 1024


class Graph:
    """Everything that some roots need in the store, each once, inputs before users."""

    __slots__ = ("derivations", "sources")

    def __init__(self, roots: Iterable[Lowered], sources: Iterable[Source]) -> None:
        order = instantiation_order(roots)
        self.sources: dict[StorePath, Source] = {source.path: source for source in sources}
        for lowered in order:
            for source in lowered.sources:
                self.sources[source.path] = source
        self.derivations: dict[StorePath, Lowered] = {lowered.path: lowered for lowered in order}

    def paths(self) -> list[StorePath]:
        return [*self.sources, *self.derivations]


class Item:
    """A path, its record, and its content in memory: a text, or the steps of a tree and its archive."""

    __slots__ = ("_archive", "info", "text", "tree")

    def __init__(
        self,
        info: PathInfo,
        *,
        text: bytes | None = None,
        tree: list[Step] | None = None,
        archive: bytes | None = None,
    ) -> None:
        self.info = info
        self.text = text
        self.tree = tree
        self._archive = archive

    def archive(self) -> bytes:
        """Of a text it is put together when asked for: those of a whole graph would be its size once more."""
        return _text_archive(self.text or b"") if self._archive is None else self._archive


def text_item(path: StorePath, contents: bytes, references: tuple[StorePath, ...]) -> Item:
    archive = _text_archive(contents)
    info = PathInfo(
        path,
        Hash("sha256", sha256(archive).digest()),
        len(archive),
        references,
        content_address=f"text:{Hash('sha256', sha256(contents).digest())}",
    )
    return Item(info, text=contents)


def archive_item(store_dir: StoreDir, name: str, archive: bytes, references: tuple[StorePath, ...]) -> Item:
    """The item of an archive that somebody else has made of a small tree. Raises BadNar."""
    decoder = Decoder()
    steps = list(StepsOfEvents().steps(decoder.feed(archive)))
    decoder.close()
    digest = Hash("sha256", sha256(archive).digest())
    path = make_fixed_path(store_dir, name, digest, recursive=True, references=references)
    return _tree_item(path, steps, archive, digest, references)


def _text_archive(contents: bytes) -> bytes:
    size = len(contents)
    return b"".join((ARCHIVE_START, regular_start(size, executable=False), contents, regular_end(size)))


def source_item(source: Source) -> Item | None:
    """The item of a source that is in memory, or a small file; None for what has to be streamed.

    A file that changed since it was hashed gives an item of another path.
    """
    content = source.content
    if isinstance(content, TextContent):
        return text_item(source.path, content.contents, source.references)
    path = source.path
    if isinstance(content, TreeContent):
        steps = list(steps_of_tree(content.tree))
    elif content.recursive and content.algo == "sha256" and _is_small_file(content.file):
        steps = list(read_steps(content.file))
    else:
        return None
    pieces: list[bytes] = []
    run(steps, archive=[pieces.append])
    archive = b"".join(pieces)
    digest = Hash("sha256", sha256(archive).digest())
    if not isinstance(content, TreeContent):
        path = make_fixed_path(StoreDir(os.path.dirname(path)), source.name, digest, recursive=True)
    return _tree_item(path, steps, archive, digest, source.references)


def _tree_item(
    path: StorePath, steps: list[Step], archive: bytes, digest: Hash, references: tuple[StorePath, ...]
) -> Item:
    info = PathInfo(path, digest, len(archive), references, content_address=f"fixed:r:{digest}")
    first = steps[0]
    text = first[3] if len(steps) == 1 and first[0] == FILE and not first[2] else None
    return Item(info, text=text) if text is not None else Item(info, tree=steps, archive=archive)


def _is_small_file(file: str | bytes) -> bool:
    """Whether a file should join the batch, which is synced as one: a sync costs more than its bytes."""
    try:
        status = os.lstat(file)
    except OSError:
        return False  # streaming tells what is wrong with it
    return stat.S_ISREG(status.st_mode) and status.st_size <= _SMALL


def write_items(
    items: Iterable[Item],
    *,
    store_dir: str,
    journal: Journal,
    new_incoming: Callable[[], Incoming],
    register: Callable[[], None],
) -> None:
    """Journal the items, write them, call `register`; on any failure nothing is valid."""
    items = list(items)
    if not items:
        register()
        return
    batch = journal.begin() if journal.is_usable else None
    try:
        if batch is not None:
            batch.write(Record(item.info.path, item.archive(), item.info.nar_hash.digest) for item in items)
        try:
            _write_all_items(items, store_dir, new_incoming)
        except OSError as error:
            raise os_failure(tr("write in"), store_dir, error) from error
        if batch is None:
            sync_file_system(store_dir)
        register()
    finally:
        if batch is not None:
            batch.close()


def _write_all_items(items: list[Item], store_dir: str, new_incoming: Callable[[], Incoming]) -> None:
    directory = os.open(store_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    times = (time.time_ns(), 1_000_000_000)
    start = len(store_dir) + 1
    try:
        for item in items:
            path = item.info.path
            text = item.text
            if text is None:
                _replace(item, new_incoming())
                continue
            name = path[start:]
            try:
                descriptor = os.open(name, _CREATE, _FILE_MODE, dir_fd=directory)
            except FileExistsError:
                _replace(item, new_incoming())
                continue
            try:
                if stat.S_IMODE(os.fstat(descriptor).st_mode) != _FILE_MODE:
                    os.fchmod(descriptor, _FILE_MODE)
                write_all(descriptor, text)
                os.utime(descriptor, ns=times)
            finally:
                os.close(descriptor)
    finally:
        os.close(directory)


def _replace(item: Item, incoming: Incoming) -> None:
    """Write beside and rename: for trees, and where an interrupted or a parallel writer left something."""
    writer = TreeWriter(incoming.file)
    try:
        writer.take(item.tree if item.tree is not None else [(FILE, ROOT_NAME, False, item.text)])
        writer.sync()
        incoming.publish(item.info.path)
    except BaseException:
        writer.close()
        incoming.discard()
        raise
