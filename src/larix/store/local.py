"""The store of this machine: `protocol.Store` on files and SQLite, for whoever owns the directories.

Several processes may have it open, and each may use it from several threads. Every addition follows one
order: temporary root, validity, lock, content complete and durable under its name, row. What a SIGKILL leaves
is either valid and whole or garbage for the next collection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING

from larix.derivation.lowered import Lowered
from larix.derivation.modulo import ModuloHashes, check_output_paths
from larix.derivation.record import Derivation
from larix.derivation.source import FileContent, Source
from larix.derivation.text import parse_derivation
from larix.formats.hashes import parse_hash
from larix.formats.nar import BadNar, Decoder
from larix.formats.storepath import (
    StoreDir,
    StorePath,
    check_name,
    make_text_path,
    name_part,
    parse_store_path,
)
from larix.protocol.store import PathInfo, PathNotValid
from larix.store.adding import Staged, ingest_tree, stage_archive, stage_dump, stage_path
from larix.store.database import Database, NewRow, Row
from larix.store.errors import StoreError, os_failure, quoted
from larix.store.ingest import Incoming, Ingested, new_incoming
from larix.store.instantiate import (
    DerivationOutput,
    Graph,
    Item,
    archive_item,
    source_item,
    text_item,
    write_items,
)
from larix.store.journal import Journal, Record
from larix.store.layout import Layout
from larix.store.locks import PathLocks
from larix.store.optimise import share_new
from larix.store.pipeline import hash_file
from larix.store.registrations import Registrations
from larix.store.roots import check_root_link, make_indirect_root, make_link
from larix.store.space import Space, SpaceKeeper
from larix.store.temproots import release_temp_roots, temp_roots_of
from larix.store.tree import FILE, ROOT_NAME, StepsOfEvents, read_archive
from larix.store.treewriter import TreeWriter
from larix.words import tr

if TYPE_CHECKING:
    from typing import Self

    from larix.store.waiting import Holder

__all__ = ["LocalStore", "SourceChanged"]


class SourceChanged(StoreError):
    """A local file is no longer what it was when its path was computed."""

    temporary = True


class LocalStore:
    """An open store; `close` it, or use it as a context manager."""

    def __init__(self, layout: Layout, database: Database, journal: Journal, big_lock: int) -> None:
        self.layout = layout
        self.registrations = Registrations(layout.journal_dir)
        self.store_dir: StoreDir = layout.store_dir
        self.database = database
        self.journal = journal
        self._big_lock = big_lock
        self._temp_roots = temp_roots_of(layout)
        self._modulos = ModuloHashes(self.read_derivation)
        self._space: SpaceKeeper | None = None
        self._deduplicates = False
        self.on_wait: Callable[[StorePath, Holder], object] | None = None  # for locks of paths
        self._lent: dict[StorePath, Derivation] = {}
        self._closed = False

    def close(self) -> None:
        """Give up temporary roots and the database; idempotent."""
        if not self._closed:
            self._closed = True
            if self._space is not None:
                self._space.close()
            self.database.close()
            release_temp_roots(self._temp_roots)
            os.close(self._big_lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def keep_space(self, space: Space, tell: Callable[[str], object]) -> None:
        """From now on collect garbage when little is free on the disk; `tell` gets a line about it."""
        self._space = SpaceKeeper(space, tell) if space.min_free else None

    def deduplicate(self, *, on: bool) -> None:
        """Whether from now on equal files of new items share their space with those that are there."""
        self._deduplicates = on

    def look_at_space(self) -> None:
        """For who is at work for longer: collect garbage beside it, when little is free."""
        if self._space is not None:
            self._space.look_beside(self)

    def _need_space(self) -> None:
        """Before something is added, and meanwhile: the collection is waited for."""
        if self._space is not None:
            self._space.look(self)

    # Asking

    def is_valid(self, path: StorePath) -> bool:
        return bool(self.database.valid_among((path,)))

    def valid_paths(self, paths: Iterable[StorePath]) -> set[StorePath]:
        return self.database.valid_among(list(paths))

    def all_valid_paths(self) -> set[StorePath]:
        return self.database.all_paths()

    def path_info(self, path: StorePath) -> PathInfo:
        info = self.path_infos((path,)).get(path)
        if info is None:
            raise PathNotValid(path)
        return info

    def path_infos(self, paths: Iterable[StorePath]) -> dict[StorePath, PathInfo]:
        wanted = list(dict.fromkeys(paths))
        if not wanted:
            return {}
        references = self.database.references_of(wanted)
        return {
            info.path: info
            for info in (
                _path_info(row, tuple(references.get(StorePath(row[1]), ())))
                for row in self.database.rows(wanted)
            )
        }

    def references(self, path: StorePath) -> set[StorePath]:
        found = self.database.references_of((path,)).get(path)
        if found is None and not self.is_valid(path):
            raise PathNotValid(path)
        return set(found or ())

    def referrers(self, path: StorePath) -> set[StorePath]:
        return self.database.referrers(path)

    def derivers(self, path: StorePath) -> set[StorePath]:
        return self.database.derivers(path)

    def made_paths(self) -> list[tuple[StorePath, StorePath, int]]:
        """The valid paths with valid derivations, these, and when they were registered, from one pass.

        What is named by its content, as a source is, is not among them.
        """
        return self.database.made_paths()

    def derivation_outputs(self, drv: StorePath) -> dict[str, StorePath]:
        """The outputs of a valid derivation, by name, without reading it."""
        return self.outputs_of((drv,)).get(drv, {})

    def outputs_of(self, drvs: Iterable[StorePath]) -> dict[StorePath, dict[str, StorePath]]:
        """The same for many; what is no valid derivation, or has outputs without a name yet, is left out."""
        wanted = list(drvs)
        found = self.database.outputs_of(wanted)
        for drv in wanted:
            lent = self._lent.get(drv)
            if lent is not None and drv not in found:
                found[drv] = {
                    name: StorePath(output.path) for name, output in lent.outputs.items() if output.path
                }
        return found

    def lend(self, path: StorePath, derivation: Derivation) -> None:
        """Have it found under a path that is not valid, by who builds with this open store.

        Nothing is written. Whether its outputs are its own to make, the caller knows: see `check_outputs`.
        """
        self._lent[path] = derivation

    def hash_modulo(self, drv: StorePath) -> bytes | None:
        """What stands for a derivation in the hashes of its users; None if that is not known yet."""
        return self._modulos(drv)

    def check_outputs(self, derivation: Derivation) -> None:
        """Raise BadDerivation unless its outputs stand under the names that follow from all that is in it."""
        check_output_paths(derivation, self.store_dir, self._modulos)

    def closure(self, paths: Iterable[StorePath]) -> set[StorePath]:
        wanted = list(dict.fromkeys(paths))
        if not wanted:
            return set()
        found = self.database.closure(wanted)
        for path in wanted:
            if path not in found:
                raise PathNotValid(path)
        return found

    def referrers_closure(self, paths: Iterable[StorePath]) -> set[StorePath]:
        """`paths` (those that are valid) and all that refers to them, at any distance."""
        wanted = list(dict.fromkeys(paths))
        return self.database.closure(wanted, upwards=True) if wanted else set()

    def path_of_hash_part(self, digits: str) -> StorePath | None:
        """The valid path with this hash part."""
        return self.database.path_with_hash_part(f"{self.store_dir}/{digits}")

    def read_derivation(self, path: StorePath) -> Derivation:
        """Raises PathNotValid, or BadDerivation when it is none."""
        lent = self._lent.get(path)
        if lent is not None:
            return lent
        return parse_derivation(self.read_text(path), name_part(path).removesuffix(".drv"))

    def read_text(self, path: StorePath) -> bytes:
        """The contents of a valid item that is one file."""
        if not self.is_valid(path):
            raise PathNotValid(path)
        return _read_file(path)

    def dump_nar(self, path: StorePath) -> Iterator[bytes]:
        if not self.is_valid(path):
            raise PathNotValid(path)
        return read_archive(path)

    # Roots and locks

    def add_temp_root(self, *paths: StorePath) -> None:
        self._temp_roots.add(paths)

    def add_indirect_root(self, link: str, *, teller: int | None = None) -> None:
        """As the protocol says, asked for by the user `teller`, or by this process's.

        Raises HiddenRoots where this process may not look, and nothing tells what the link could point to.
        """
        link = os.path.abspath(link)
        if not link.startswith(self.layout.gc_roots_dir + "/"):
            user = os.geteuid() if teller is None else teller
            make_indirect_root(self.layout, link, self._unneeded_temp_roots, teller=user)

    def _unneeded_temp_roots(self) -> set[StorePath]:
        """What was kept for this process that nothing else of it refers to: what it is likely to want."""
        infos = self.path_infos(self._temp_roots.added())
        return set(infos).difference(*(set(info.references) - {info.path} for info in infos.values()))

    def add_permanent_root(self, path: StorePath, link: str) -> None:
        """As the protocol says; raises `StoreError` when `link` would replace anything else."""
        link = os.path.abspath(link)
        self.add_temp_root(path)
        if not self.is_valid(path):
            raise PathNotValid(path)
        if link.startswith(self.store_dir + "/"):
            raise StoreError(tr("a root cannot be in the store itself: `{link}`", link=quoted(link)))
        check_root_link(self.layout, link)
        self.add_indirect_root(link)
        make_link(self.layout.on_host(path), link)
        # A collection may just have taken the note for stale, as the link was not there yet.
        self.add_indirect_root(link)

    def lock_paths(
        self, paths: Iterable[StorePath], *, on_wait: Callable[[StorePath, Holder], object] | None = None
    ) -> PathLocks:
        """Lock `paths` against every other writer, waiting for them; release by leaving the context.

        `on_wait(path, holder)` is called when that takes long; without it, the store's own is.
        """
        locks = PathLocks()
        locks.acquire(paths, on_wait=on_wait or self.on_wait)
        return locks

    def try_lock_paths(self, paths: Iterable[StorePath]) -> PathLocks | None:
        """All of the locks, or None when one is taken."""
        locks = PathLocks()
        return locks if locks.acquire(paths, wait=False) else None

    # Adding

    def add_text(self, name: str, contents: bytes, references: Iterable[StorePath] = ()) -> StorePath:
        references = tuple(sorted(set(references)))
        item = text_item(
            make_text_path(self.store_dir, name, sha256(contents).digest(), references), contents, references
        )
        path = item.info.path
        self.add_temp_root(path)
        if not self.is_valid(path):
            with self.lock_paths([path]):
                if not self.is_valid(path):
                    self._write_now(item)
        return path

    def add_texts(self, texts: Sequence[tuple[str, bytes, Sequence[StorePath], bool]]) -> list[StorePath]:
        """Many small items at once: all valid together, or none. For what somebody else has lowered.

        Each is a name, contents, references, and whether the contents are the archive of a tree. An item may
        refer to those before it.
        """
        items: list[Item] = []
        for name, contents, references, is_archive in texts:
            unique = tuple(sorted(set(references)))
            if is_archive:
                items.append(archive_item(self.store_dir, name, contents, unique))
            else:
                path = make_text_path(self.store_dir, name, sha256(contents).digest(), unique)
                items.append(text_item(path, contents, unique))
        paths = [item.info.path for item in items]
        self.add_temp_root(*paths)
        valid = self.valid_paths(paths)
        fresh = {item.info.path: item for item in items if item.info.path not in valid}
        if fresh:
            self._need_space()
            outputs: list[DerivationOutput] = []
            parsed = {path: _parse(path, item) for path, item in fresh.items() if path.endswith(".drv")}
            texts_of = {path: fresh[path].text for path in parsed}
            modulos = ModuloHashes(lambda path: parsed.get(path) or self.read_derivation(path), texts_of.get)
            for path, derivation in parsed.items():
                outputs += self._admit(path, derivation, modulos, texts_of[path])
            infos = [item.info for item in fresh.values()]
            trees = [path for path, item in fresh.items() if item.text is None]
            with self.lock_paths(trees):
                now_valid = self.valid_paths(trees)
                write_items(
                    [item for path, item in fresh.items() if path not in now_valid],
                    store_dir=self.store_dir,
                    journal=self.journal,
                    new_incoming=self._new_incoming,
                    register=lambda: self._register_rows(infos, outputs),
                )
            self.journal.checkpoint_when_large()
        return paths

    def add_dump(
        self,
        name: str,
        chunks: Iterable[bytes],
        *,
        recursive: bool = True,
        algo: str = "sha256",
        references: Iterable[StorePath] = (),
    ) -> StorePath:
        """An archive that somebody else has made of a tree; flat: of the one file whose bytes are hashed."""
        check_name(name)
        staged = stage_dump(
            self.store_dir,
            name,
            chunks,
            self._new_incoming(),
            recursive=recursive,
            algo=algo,
            references=tuple(sorted(set(references))),
        )
        self.add_temp_root(staged.info.path)
        return self._publish_and_register(staged)

    def _write_now(self, item: Item) -> None:
        """One item, synced by itself."""
        incoming = self._new_incoming()
        writer = TreeWriter(incoming.file)
        try:
            writer.take([(FILE, ROOT_NAME, False, item.text)])
            writer.sync()
        except BaseException:
            writer.close()
            incoming.discard()
            raise
        incoming.publish(item.info.path)
        self._register([item.info], {item.info.path: item.text or b""})

    def add_path(
        self,
        name: str,
        file: str | bytes,
        *,
        recursive: bool = True,
        algo: str = "sha256",
        filter: Callable[[bytes], bool] | None = None,  # noqa: A002 - the protocol's word
    ) -> StorePath:
        check_name(name)
        staged = self._stage_path(name, file, recursive=recursive, algo=algo, keep=filter)
        return self._publish_and_register(staged)

    def _stage_path(
        self,
        name: str,
        file: str | bytes,
        *,
        recursive: bool,
        algo: str,
        keep: Callable[[bytes], bool] | None,
    ) -> Staged:
        def is_present(path: StorePath) -> bool:
            self.add_temp_root(path)
            return self.is_valid(path)

        return stage_path(
            self.store_dir,
            name,
            file,
            self._new_incoming(),
            recursive=recursive,
            algo=algo,
            keep=keep,
            is_present=is_present,
            is_expected=lambda: self.database.has_named(self.store_dir, name),
        )

    def _publish_and_register(self, staged: Staged) -> StorePath:
        info, incoming = staged
        if incoming is not None:
            self.publish(info, incoming)
        return info.path

    def publish(self, info: PathInfo, incoming: Incoming) -> None:
        """Make valid what stands durable under a temporary name and is what `info` says."""
        with self.lock_paths([info.path]):
            if self.is_valid(info.path):
                incoming.discard()
            else:
                self._publish(incoming, info.path)
                self._register([info])

    def _publish(self, incoming: Incoming, path: StorePath) -> None:
        """Give a finished tree its name; its files shared before anybody can see them."""
        if self._deduplicates:
            share_new(self.store_dir, incoming.file)
        incoming.publish(path)

    def add_nar(self, info: PathInfo, chunks: Iterable[bytes]) -> None:
        """As the protocol says; a path that is valid gets the new signatures, and `chunks` is not read.

        Raises `ArchiveMismatch` when the archive is not what `info` says, `UnknownReference` when something
        it refers to is not valid.
        """
        parse_store_path(self.store_dir, info.path)
        self.add_temp_root(info.path, *info.references)
        with self.lock_paths([info.path]):
            if self.is_valid(info.path):
                if info.signatures:
                    self.database.add_signatures(info.path, info.signatures)
                return
            staged = stage_archive(info, chunks, self._new_incoming())
            if staged.incoming is not None:
                self._publish(staged.incoming, info.path)
            self._register([info])

    def instantiate(self, roots: Iterable[Lowered], sources: Iterable[Source] = ()) -> None:
        graph = Graph(roots, sources)
        paths = graph.paths()
        self.add_temp_root(*paths)
        valid = self.valid_paths(paths)
        infos: list[PathInfo] = []
        items: list[Item] = []
        outputs: list[DerivationOutput] = []
        published: list[Staged] = []
        for path, source in graph.sources.items():
            if path in valid:
                continue
            item = source_item(source)
            if item is None:
                staged = self._stage_source(source)
                published.append(staged)
                infos.append(staged.info)
            else:
                if item.info.path != path:
                    raise _changed(source, item.info.path)
                items.append(item)
                infos.append(item.info)
        for path, lowered in graph.derivations.items():
            if path not in valid:
                item = text_item(path, lowered.text, lowered.references)
                items.append(item)
                infos.append(item.info)
                outputs += [(path, name, output) for name, output in lowered.outputs.items()]
        if not infos:
            return
        self._need_space()
        # Only files can be replaced in one step, so only they go without locks.
        locked = [staged.info.path for staged in published]
        locked += [item.info.path for item in items if item.text is None]
        with self.lock_paths(locked):
            now_valid = self.valid_paths(locked)
            for staged in published:
                if staged.incoming is not None:
                    if staged.info.path in now_valid:
                        staged.incoming.discard()
                    else:
                        self._publish(staged.incoming, staged.info.path)
            write_items(
                [item for item in items if item.info.path not in now_valid],
                store_dir=self.store_dir,
                journal=self.journal,
                new_incoming=self._new_incoming,
                register=lambda: self._register_rows(infos, outputs),
            )
        self.journal.checkpoint_when_large()

    def _stage_source(self, source: Source) -> Staged:
        content = source.content
        if not isinstance(content, FileContent):
            raise TypeError(f"not a local file: {content!r}")
        staged = self._stage_path(
            source.name, content.file, recursive=content.recursive, algo=content.algo, keep=None
        )
        if staged.info.path != source.path:
            if staged.incoming is not None:
                staged.incoming.discard()
            raise _changed(source, staged.info.path)
        return staged

    # Builds

    def ingest(
        self,
        source: str | bytes,
        path: StorePath,
        *,
        candidates: Iterable[StorePath] = (),
        content: tuple[str, bool] | None = None,
        dir_fd: int | None = None,
    ) -> Ingested:
        """Take a tree that a build made into the store, under a temporary name, to become `path`.

        One pass: fresh inodes with canonical metadata, archive hash, references among `candidates` (give the
        inputs' closure and all outputs of the derivation, `path` too), and the hash that a fixed output
        promises: `content` is its algorithm and whether it is recursive. Durable when it returns. The source
        is not changed, only read; `dir_fd` is the directory that a relative `source` starts from. The caller
        then gives the result to `register_outputs` or to `discard`.

        Raises `UnsupportedFileType` for sockets, pipes and devices, `NotAFlatFile` when a flat fixed output
        is no regular file.
        """
        incoming = self._new_incoming()
        self.add_temp_root(path)
        taken = ingest_tree(source, incoming, dir_fd=dir_fd, candidates=candidates, content=content)
        return Ingested(path, taken.nar_hash, taken.nar_size, taken.references, taken.content_hash, incoming)

    def adopt(self, source: str, path: StorePath, *, candidates: Iterable[StorePath]) -> Ingested | None:
        """The same for a tree that larix itself made: it is moved, not copied; None where that cannot be."""
        from larix.store.adopting import adopt_tree

        incoming = self._new_incoming()
        self.add_temp_root(path)
        taken = adopt_tree(source, incoming, candidates=candidates)
        if taken is None:
            return None
        return Ingested(path, taken.nar_hash, taken.nar_size, taken.references, None, incoming)

    def discard(self, ingested: Ingested) -> None:
        """Throw an output away that will not be registered."""
        ingested.incoming.discard()

    def register_outputs(
        self,
        outputs: Sequence[Ingested],
        *,
        deriver: StorePath | None = None,
        content_addresses: Mapping[StorePath, str] | None = None,
    ) -> list[PathInfo]:
        """Make outputs valid, all in one transaction. The caller holds the locks of their paths.

        What is valid already stays as it is, and the new tree is thrown away. Raises `UnknownReference`, or
        `StoreError` for outputs that refer to each other in a circle; then none is valid.
        """
        _refuse_cycles({output.path: output.references for output in outputs})
        valid = self.valid_paths([output.path for output in outputs])
        infos: list[PathInfo] = []
        for output in outputs:
            infos.append(
                PathInfo(
                    output.path,
                    output.nar_hash,
                    output.nar_size,
                    tuple(sorted(output.references)),
                    deriver=deriver,
                    registration_time=int(time.time()),
                    ultimate=True,
                    content_address=(content_addresses or {}).get(output.path),
                )
            )
            if output.path in valid:
                output.incoming.discard()
            else:
                self._publish(output.incoming, output.path)
        self._register([info for info in infos if info.path not in valid])
        return infos

    # Inside

    def _new_incoming(self) -> Incoming:
        self._need_space()
        incoming = new_incoming(self.store_dir, None if self._space is None else self._need_space)
        self.add_temp_root(incoming.file)
        return incoming

    def register_infos(self, infos: Iterable[PathInfo]) -> None:
        """Make paths valid whose content stands complete and durable in the store."""
        self._register(list(infos))

    def _register(self, infos: Sequence[PathInfo], texts: Mapping[StorePath, bytes] | None = None) -> None:
        outputs: list[DerivationOutput] = []
        for info in infos:
            if info.path.endswith(".drv"):
                text = (texts or {}).get(info.path)
                derivation = parse_derivation(
                    _read_file(info.path) if text is None else text,
                    name_part(info.path).removesuffix(".drv"),
                )
                outputs += self._admit(info.path, derivation, self._modulos)
        self._register_rows(infos, outputs)

    def _admit(
        self, path: StorePath, derivation: Derivation, modulos: ModuloHashes, text: bytes | None = None
    ) -> list[DerivationOutput]:
        """The outputs to be registered of a derivation that was lowered elsewhere.

        Raises BadDerivation when they stand under names that are not theirs: who builds it would put what it
        makes in the place of something else.
        """
        check_output_paths(derivation, self.store_dir, modulos, text)
        return [
            (path, name, StorePath(output.path)) for name, output in derivation.outputs.items() if output.path
        ]

    def _register_rows(self, infos: Sequence[PathInfo], outputs: Sequence[DerivationOutput]) -> None:
        now = int(time.time())
        self.database.register(
            [_row(info, now) for info in infos], [info.references for info in infos], outputs
        )

    def restore_from_journal(self, record: Record) -> None:
        """Rewrite an item of the journal, if it is valid and not what it should be."""
        rows = self.database.rows((record.path,))
        if not rows or rows[0][2] != "sha256:" + record.digest.hex():
            return
        try:
            if hash_file(record.path)[0] == record.digest:
                return
        except (StoreError, BadNar):
            pass  # gone, or not even readable: all the more to be rewritten
        self._write_record(record).publish(record.path)

    def replace_from_journal(self, record: Record) -> None:
        """Put an item of the journal in the place of a damaged one; nobody ever finds it missing.

        The caller holds its lock, and has seen that the record is of what is valid.
        """
        self._write_record(record).replace(record.path)

    def _write_record(self, record: Record) -> Incoming:
        incoming = self._new_incoming()
        writer = TreeWriter(incoming.file)
        writer.take(StepsOfEvents().steps(Decoder().feed(record.archive)))
        writer.sync()
        return incoming


def _changed(source: Source, now: StorePath) -> SourceChanged:
    file = source.content.file if isinstance(source.content, FileContent) else source.name
    return SourceChanged(
        tr(
            "`{file}` changed since it was first read: it was `{path}`, and now is `{now}`",
            file=os.fsdecode(file),
            path=source.path,
            now=now,
        ),
        hint=tr("run the command again"),
    )


def _parse(path: StorePath, item: Item) -> Derivation:
    return parse_derivation(item.text or b"", name_part(path).removesuffix(".drv"))


def _read_file(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise os_failure(tr("read"), file, error) from error


def _path_info(row: Row, references: tuple[StorePath, ...]) -> PathInfo:
    _, path, nar_hash, registered, deriver, size, ultimate, signatures, address = row
    return PathInfo(
        StorePath(path),
        parse_hash(nar_hash),
        size or 0,
        references,
        StorePath(deriver) if deriver else None,
        registered,
        bool(ultimate),
        tuple(signatures.split()) if signatures else (),
        address or None,
    )


def _row(info: PathInfo, now: int) -> NewRow:
    return (
        info.path,
        f"{info.nar_hash.algo}:{info.nar_hash.base16()}",
        info.registration_time or now,
        info.deriver,
        info.nar_size,
        1 if info.ultimate else None,
        " ".join(info.signatures) or None,
        info.content_address,
    )


def _refuse_cycles(references: Mapping[StorePath, Iterable[StorePath]]) -> None:
    """Outputs of one build may refer to themselves, and to each other in one direction only."""
    waiting = {
        path: {used for used in some if used in references and used != path}
        for path, some in references.items()
    }
    while waiting:
        ready = [path for path, some in waiting.items() if not some & waiting.keys()]
        if not ready:
            circle = "`, `".join(sorted(waiting))
            raise StoreError(
                tr("the outputs `{circle}` refer to each other in a circle", circle=circle),
                hint=tr("move what both need into one of them"),
            )
        for path in ready:
            del waiting[path]
