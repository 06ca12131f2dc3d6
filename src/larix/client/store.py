"""`protocol.Store` by way of a daemon: what it writes, this only asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from larix.client.connection import Connection
from larix.derivation.lowered import Lowered, instantiation_order
from larix.derivation.ordering import inputs_first
from larix.derivation.record import Derivation
from larix.derivation.source import FileContent, Source, TextContent, TreeContent
from larix.derivation.text import parse_derivation
from larix.formats import nar
from larix.formats.export import EXPORT_END, ITEM_START, item_end
from larix.formats.hashes import Hash, new_hasher
from larix.formats.storepath import (
    StoreDir,
    StorePath,
    check_name,
    hash_part,
    make_fixed_path,
    name_part,
)
from larix.protocol import BuildOptions, BuildTarget, PathInfo, PathNotValid, Sink, ignore_events
from larix.protocol.values import DerivationText, Missing
from larix.store.errors import StoreError, quoted
from larix.store.instantiate import source_item
from larix.store.layout import Layout
from larix.store.pipeline import feed_archive
from larix.store.roots import check_root_link, make_link
from larix.store.tree import archive_of, read_archive, read_steps, steps_of_tree
from larix.words import tr

if TYPE_CHECKING:
    from typing import Self

__all__ = ["DaemonStore"]

_ASKED = 1 << 15
_SMALL = 1 << 17  # an archive that goes with others
_AT_ONCE = 8 << 20  # bytes of texts in one request


class DaemonStore:
    """A store behind a connection; `close` it, or use it as a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._call = connection.call
        self.store_dir: StoreDir = connection.dialect.store_dir
        self._is_local = connection.transport.is_local
        self._options: BuildOptions | None = None

    def close(self) -> None:
        """Idempotent. What was protected from collection is so no more."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def daemon(self) -> str:
        """What the daemon calls itself, empty if it does not say."""
        return self._connection.daemon

    # Asking

    def is_valid(self, path: StorePath) -> bool:
        return bool(self._call("is_valid_path", path=path))

    def valid_paths(self, paths: Iterable[StorePath]) -> set[StorePath]:
        wanted = tuple(dict.fromkeys(paths))
        return set(self._call("query_valid_paths", paths=wanted, substitute=False)) if wanted else set()

    def all_valid_paths(self) -> set[StorePath]:
        return set(self._call("query_all_valid_paths"))

    def path_info(self, path: StorePath) -> PathInfo:
        info = self.path_infos((path,)).get(path)
        if info is None:
            raise PathNotValid(path)
        return info

    def path_infos(self, paths: Iterable[StorePath]) -> dict[StorePath, PathInfo]:
        wanted = tuple(dict.fromkeys(paths))
        if not wanted:
            return {}
        if self._connection.knows("query_path_infos"):
            infos = self._call("query_path_infos", paths=wanted, closure=False)
            return {info.path: info for info in infos}
        if self._connection.dialect.is_guix or self._connection.dialect.minor < 17:
            valid = self.valid_paths(wanted)  # asked for one that is not, an older daemon fails
            wanted = tuple(path for path in wanted if path in valid)
        replies = self._connection.call_many("query_path_info", ({"path": path} for path in wanted))
        return {
            path: info._replace(path=path)
            for path, info in zip(wanted, replies, strict=True)
            if info is not None
        }

    def references(self, path: StorePath) -> set[StorePath]:
        return set(self.path_info(path).references)

    def referrers(self, path: StorePath) -> set[StorePath]:
        return set(self._call("query_referrers", path=path))

    def derivers(self, path: StorePath) -> set[StorePath]:
        return set(self._call("query_valid_derivers", path=path))

    def outputs_of(self, drvs: Iterable[StorePath]) -> dict[StorePath, dict[str, StorePath]]:
        """The outputs of derivations by name; what is no valid derivation is left out."""
        valid = self.valid_paths(drvs)
        return {drv: self._outputs(drv) for drv in drvs if drv in valid}

    def derivation_outputs(self, drv: StorePath) -> dict[str, StorePath]:
        return self.outputs_of([drv]).get(drv, {})

    def _outputs(self, drv: StorePath) -> dict[str, StorePath]:
        outputs = self.read_derivation(drv).outputs
        return {name: StorePath(output.path) for name, output in outputs.items() if output.path}

    def closure(self, paths: Iterable[StorePath]) -> set[StorePath]:
        wanted = tuple(dict.fromkeys(paths))
        if not wanted:
            return set()
        if self._connection.knows("query_path_infos"):
            infos = self._call("query_path_infos", paths=wanted, closure=True)
            return {info.path for info in infos}
        found: set[StorePath] = set()
        layer = set(wanted)
        while layer:
            infos = self.path_infos(layer)
            for path in layer:
                if path not in infos:
                    raise PathNotValid(path)
            found |= layer
            layer = {reference for info in infos.values() for reference in info.references} - found
        return found

    def read_derivation(self, path: StorePath) -> Derivation:
        """Raises PathNotValid, or BadDerivation when it is none."""
        return parse_derivation(self.read_text(path), name_part(path).removesuffix(".drv"))

    def read_text(self, path: StorePath) -> bytes:
        """The contents of a valid item that is one file."""
        if self._is_local:
            try:
                with open(path, "rb") as file:
                    contents = file.read()
            except OSError:
                contents = None
            if contents is not None and self.is_valid(path):
                return contents
        tree = nar.decode_tree(b"".join(self.dump_nar(path)))
        if not isinstance(tree, nar.File):
            raise StoreError(tr("`{path}` is no file", path=path))
        return tree.contents

    def dump_nar(self, path: StorePath) -> Iterator[bytes]:
        if not self.is_valid(path):
            raise PathNotValid(path)
        if self._is_local and os.path.lexists(path):
            return read_archive(path)
        pieces: Iterator[bytes] = self._call("nar_from_path", path=path)
        return pieces

    # Roots

    def add_temp_root(self, *paths: StorePath) -> None:
        for _ in self._connection.call_many("add_temp_root", ({"path": path} for path in paths)):
            pass

    def add_indirect_root(self, link: str) -> None:
        self._call("add_indirect_root", link=os.path.abspath(link))

    def add_permanent_root(self, path: StorePath, link: str) -> None:
        link = os.path.abspath(link)
        if not self._is_local:
            raise StoreError(
                tr("`{link}` is no root there: the store is on another machine", link=quoted(link)),
                hint=tr("make the root on that machine, or leave it out"),
            )
        self.add_temp_root(path)
        if not self.is_valid(path):
            raise PathNotValid(path)
        if link.startswith(self.store_dir + "/"):
            raise StoreError(tr("a root cannot be in the store itself: `{link}`", link=quoted(link)))
        check_root_link(Layout(self.store_dir), link)
        self.add_indirect_root(link)
        make_link(path, link)
        self.add_indirect_root(link)  # a collection may have taken the first for stale meanwhile

    # Adding

    def add_text(self, name: str, contents: bytes, references: Iterable[StorePath] = ()) -> StorePath:
        check_name(name)
        unique = tuple(sorted(set(references)))
        if self._connection.dialect.is_guix or self._connection.dialect.minor < 25:
            path = self._call("add_text_to_store", name=name, contents=contents, references=unique)
        else:
            path = self._add(name, "text:sha256", [contents], unique)
        return StorePath(path)

    def _add(
        self, name: str, method: str, pieces: Iterable[bytes], references: tuple[StorePath, ...]
    ) -> StorePath:
        info: PathInfo = self._call(
            "add_to_store", name=name, method=method, references=references, repair=False, body=pieces
        )
        return info.path

    def add_path(
        self,
        name: str,
        file: str | bytes,
        *,
        recursive: bool = True,
        algo: str = "sha256",
        filter: Callable[[bytes], bool] | None = None,  # noqa: A002 - the protocol's word
    ) -> StorePath:
        """Read once to learn its name, and sent only if the store lacks it."""
        check_name(name)
        path = self._path_of(name, file, recursive=recursive, algo=algo, keep=filter)
        self.add_temp_root(path)
        if self.is_valid(path):
            return path
        return self._send(name, file, recursive=recursive, algo=algo, keep=filter)

    def _path_of(
        self,
        name: str,
        file: str | bytes,
        *,
        recursive: bool,
        algo: str,
        keep: Callable[[bytes], bool] | None,
    ) -> StorePath:
        hasher = new_hasher(algo)
        if recursive:
            feed_archive(read_steps(file, keep=keep, borrow=True), hasher.update)
        else:
            for piece in _bytes_of(file):
                hasher.update(piece)
        return make_fixed_path(self.store_dir, name, Hash(algo, hasher.digest()), recursive=recursive)

    def _send(
        self,
        name: str,
        file: str | bytes,
        *,
        recursive: bool,
        algo: str,
        keep: Callable[[bytes], bool] | None,
    ) -> StorePath:
        archive = read_archive(file, keep=keep)
        if self._connection.dialect.is_guix or self._connection.dialect.minor < 25:
            is_usual = recursive and algo == "sha256"
            path = self._call(
                "add_to_store",
                name=name,
                is_fixed=not is_usual,
                is_recursive=int(recursive),
                algorithm=algo,
                body=archive,
            )
            return StorePath(path)
        method = f"fixed:{'r:' if recursive else ''}{algo}"
        return self._add(name, method, archive if recursive else _bytes_of(file), ())

    def add_nar(self, info: PathInfo, chunks: Iterable[bytes]) -> None:
        if self.is_valid(info.path):
            if info.signatures:
                self._call("add_signatures", path=info.path, signatures=info.signatures)
            return
        if not self._connection.knows("add_to_store_nar"):
            self._call("import_paths", body=_exported(info, chunks, _signer()))
            return
        self._call(
            "add_to_store_nar",
            path=info.path,
            deriver=info.deriver,
            nar_hash=info.nar_hash.base16(),
            references=tuple(sorted(info.references)),
            registration_time=info.registration_time,
            nar_size=info.nar_size,
            ultimate=info.ultimate,
            signatures=info.signatures,
            content_address=info.content_address or "",
            repair=False,
            dont_check_signatures=True,
            body=chunks,
        )

    def export_item(self, path: StorePath, give: Callable[[bytes], object]) -> None:
        """The archive of a valid item and what follows it in an export, signed by the daemon."""
        self._call("export_path", path=path, sign=True, data=give)

    def import_stream(self, pieces: Iterable[bytes]) -> tuple[StorePath, ...]:
        """Have the daemon add the items of an export, each signed by a key that is authorised there."""
        parts = (piece[at : at + _ASKED] for piece in pieces for at in range(0, len(piece), _ASKED))
        imported: tuple[StorePath, ...] = self._call("import_paths", body=parts)
        return imported

    def instantiate(self, roots: Iterable[Lowered], sources: Iterable[Source] = ()) -> None:
        """As the protocol says, but that sources other than texts become valid one by one, first."""
        order = instantiation_order(roots)
        by_path = {source.path: source for source in sources}
        for lowered in order:
            for source in lowered.sources:
                by_path[source.path] = source
        derivations = {lowered.path: lowered for lowered in order}
        valid = self._keep([*by_path, *derivations])
        texts: list[DerivationText] = []
        for path, source in by_path.items():
            if path not in valid:
                text = self._small(source)
                if text is None:
                    self._add_source(source)
                else:
                    texts.append(text)
        texts += [
            DerivationText(name_part(path), lowered.text, tuple(lowered.references))
            for path, lowered in derivations.items()
            if path not in valid
        ]
        self._add_texts(texts)

    def _keep(self, paths: Sequence[StorePath]) -> set[StorePath]:
        """Keep `paths` from collection, and tell which of them are valid."""
        if self._connection.knows("keep_paths"):
            return set(self._call("keep_paths", paths=tuple(paths))) if paths else set()
        self.add_temp_root(*paths)
        return self.valid_paths(paths)

    def _small(self, source: Source) -> DerivationText | None:
        """What can go with the derivations in one request; None for what has a request of its own."""
        if isinstance(source.content, TextContent):
            return DerivationText(source.name, source.content.contents, source.references)
        item = source_item(source) if self._connection.knows("add_texts") else None
        if item is None:
            return None
        if item.info.path != source.path:
            raise _changed(source, item.info.path)
        archive = item.archive()
        if len(archive) > _SMALL:
            return None
        return DerivationText(source.name, archive, source.references, is_archive=True)

    def _add_source(self, source: Source) -> None:
        content = source.content
        if isinstance(content, TreeContent):
            path = self._send_steps(source)
        elif isinstance(content, FileContent):
            how: dict[str, Any] = {"recursive": content.recursive, "algo": content.algo, "keep": None}
            path = self._path_of(source.name, content.file, **how)
            if path == source.path:
                path = self._send(source.name, content.file, **how)
        else:
            raise TypeError(f"no source: {content!r}")
        if path != source.path:
            raise _changed(source, path)

    def _send_steps(self, source: Source) -> StorePath:
        content = source.content
        if not isinstance(content, TreeContent):
            raise TypeError(f"no tree: {content!r}")
        archive = archive_of(steps_of_tree(content.tree))
        if self._connection.dialect.is_guix or self._connection.dialect.minor < 25:
            path = self._call(
                "add_to_store",
                name=source.name,
                is_fixed=False,
                is_recursive=1,
                algorithm="sha256",
                body=archive,
            )
            return StorePath(path)
        return self._add(source.name, "fixed:r:sha256", archive, source.references)

    def _add_texts(self, texts: Sequence[DerivationText]) -> None:
        """In one request, or few: what is in one becomes valid together."""
        if not self._connection.knows("add_texts"):
            for text in texts:
                self.add_text(text.name, text.contents, text.references)
            return
        some: list[DerivationText] = []
        size = 0
        for text in texts:
            some.append(text)
            size += len(text.contents)
            if size >= _AT_ONCE:
                self._call("add_texts", texts=tuple(some))
                some, size = [], 0
        if some:
            self._call("add_texts", texts=tuple(some))

    # Building, collecting

    def set_options(self, options: BuildOptions) -> None:
        """What builds of this session are to be like; the daemon has limits of its own."""
        if options == self._options:
            return
        self._options = options
        arguments: dict[str, Any] = {
            "keep_failed": options.keep_failed,
            "keep_going": options.keep_going,
            "fallback": False,
            "verbosity": options.verbosity,
            "max_jobs": options.max_jobs,
            "max_silent_time": options.max_silent_time,
            "use_build_hook": 0,
            "build_verbosity": 0,
            "log_type": 0,
            "print_build_trace": 0,
            "cores": options.cores,
            "use_substitutes": True,
            "settings": (("timeout", str(options.timeout)), ("repeat", str(options.rounds - 1))),
        }
        self._call("set_options", **arguments)

    def realise(
        self, targets: Sequence[BuildTarget], options: BuildOptions, sink: Sink = ignore_events
    ) -> Mapping[StorePath, Mapping[str, StorePath]]:
        """Have the daemon make outputs valid; they are protected from collection while this is open."""
        self.set_options(options)
        self._call("build_paths", targets=tuple(targets), mode=2 if options.check else 0, sink=sink)
        outputs = self.outputs_of([target.drv for target in targets])
        self.add_temp_root(*(path for some in outputs.values() for path in some.values()))
        return outputs

    def repair(self, paths: Iterable[StorePath], options: BuildOptions, sink: Sink = ignore_events) -> None:
        """Have the daemon make damaged items again, and what they refer to; only for who is trusted there."""
        self.set_options(options)
        targets = tuple(BuildTarget(path, ("",)) for path in paths)
        self._call("build_paths", targets=targets, mode=1, sink=sink)

    def in_building_order(self, drvs: Iterable[StorePath]) -> list[StorePath]:
        """Derivations, each behind those of `drvs` that it is built from."""
        return inputs_first({drv: self.read_derivation(drv).input_drvs for drv in sorted(drvs)})

    def made_paths(self) -> list[tuple[StorePath, StorePath, int]]:
        """What was built and still is there: a path, its derivation, when it became valid."""
        infos = self.path_infos(self.all_valid_paths())
        return [
            (info.path, deriver, info.registration_time)
            for info in infos.values()
            if (deriver := info.deriver) is not None and deriver in infos and info.content_address is None
        ]

    def referrers_closure(self, paths: Iterable[StorePath]) -> set[StorePath]:
        """`paths`, those that are valid, and all that refers to them, at any distance."""
        found: set[StorePath] = set()
        layer = self.valid_paths(paths)
        while layer:
            found |= layer
            asked = ({"path": path} for path in layer)
            replies = self._connection.call_many("query_referrers", asked)
            layer = {user for users in replies for user in users} - found
        return found

    def missing(self, targets: Sequence[BuildTarget]) -> Missing:
        """What realising them would take."""
        if not self._connection.knows("query_missing"):
            return self._missing_as_read(targets)
        answer: Missing = self._call("query_missing", targets=tuple(targets))
        return answer

    def _missing_as_read(self, targets: Sequence[BuildTarget]) -> Missing:
        """Asked layer by layer, for daemons of Guix."""
        found: set[StorePath] = set()
        layer: dict[StorePath, tuple[str, ...]] = {target.drv: target.outputs for target in targets}
        while layer:
            outputs = self.outputs_of(layer)
            wanted = {
                drv: [path for name, path in some.items() if name in (layer[drv] or some)]
                for drv, some in outputs.items()
            }
            valid = self.valid_paths(path for some in wanted.values() for path in some)
            to_build = [drv for drv, some in wanted.items() if not valid.issuperset(some)]
            found.update(to_build)
            layer = {}
            for drv in to_build:
                for below, names in self.read_derivation(drv).input_drvs.items():
                    if below not in found:
                        layer[below] = tuple({*layer.get(below, ()), *names})
        return Missing(tuple(found))

    def collect(
        self, action: int, paths: Sequence[StorePath] = (), max_freed: int | None = None
    ) -> tuple[tuple[StorePath, ...], int]:
        """The operation of the protocol: 0 asks for what is alive, 1 for what is dead, 2 and 3 delete."""
        answer: tuple[tuple[StorePath, ...], int] = self._call(
            "collect_garbage",
            action=action,
            paths=tuple(paths),
            ignore_liveness=False,
            max_freed=(1 << 64) - 1 if max_freed is None else max_freed,
            unused_1=0,
            unused_2=0,
            unused_3=0,
        )
        return answer

    def verify(self, *, check_contents: bool, repair: bool = False) -> bool:
        """Have the daemon look at every item; true when something stays wrong. What, it tells in lines."""
        return bool(self._call("verify_store", check_contents=check_contents, repair=repair))

    def failed_paths(self) -> tuple[StorePath, ...]:
        """The outputs whose builds failed, where the daemon remembers that."""
        answer: tuple[StorePath, ...] = self._call("query_failed_paths")
        return answer

    def clear_failed_paths(self, paths: Sequence[StorePath]) -> None:
        self._call("clear_failed_paths", paths=tuple(paths))

    def optimise(self) -> None:
        """Have equal files shared; the daemon tells in a line what that saved."""
        self._call("optimise_store")

    def find_roots(self) -> tuple[tuple[str, StorePath], ...]:
        """Links and what they point to; the names of others' links are hidden from most users."""
        answer: tuple[tuple[str, StorePath], ...] = self._call("find_roots")
        return answer

    def path_of_hash_part(self, digits: str) -> StorePath | None:
        path: StorePath | None = self._call("query_path_from_hash_part", digits=digits)
        return path if path is not None and hash_part(path) == digits else None


def _changed(source: Source, now: StorePath) -> StoreError:
    return StoreError(
        tr(
            "`{name}` changed since it was first read: it was `{path}`, now `{now}`",
            name=source.name,
            path=source.path,
            now=now,
        ),
        hint=tr("run the command again"),
    )


def _signer() -> Callable[[bytes], bytes] | None:
    """With this machine's key; None where this user cannot, and the daemon will refuse what is not signed."""
    from larix.formats import authentication
    from larix.store.keys import NoKey, configuration_dir, own_pair

    try:
        pair = own_pair(configuration_dir())
    except NoKey:
        return None
    return lambda digest: authentication.sign(pair, digest)


def _exported(
    info: PathInfo, chunks: Iterable[bytes], sign: Callable[[bytes], bytes] | None
) -> Iterator[bytes]:
    """An export of one item, in pieces that daemons of Guix ask for."""
    hasher = new_hasher("sha256")

    def pieces() -> Iterator[bytes]:
        yield ITEM_START
        for chunk in chunks:
            hasher.update(chunk)
            yield chunk
        signature = None
        if sign is not None:
            hasher.update(item_end(info.path, info.references, info.deriver)[: -len(EXPORT_END)])
            signature = sign(hasher.digest())
        yield item_end(info.path, info.references, info.deriver, signature) + EXPORT_END

    for piece in pieces():
        for start in range(0, len(piece), _ASKED):
            yield piece[start : start + _ASKED]


def _bytes_of(file: str | bytes) -> Iterator[bytes]:
    with open(file, "rb") as stream:
        while piece := stream.read(1 << 18):
            yield piece
