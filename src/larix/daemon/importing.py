"""An export stream into the store. An item's name comes behind its archive, which so needs a place before.

A signature covers the archive, the name, the references and the deriver: all of an item that is acted upon.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from hashlib import sha256

from larix.errors import LarixError
from larix.formats.authentication import Key, signed_by
from larix.formats.errors import FormatError
from larix.formats.export import ExportDecoder, ExportItem, NarChunk, item_end
from larix.formats.hashes import Hash
from larix.formats.storepath import StorePath
from larix.protocol.store import PathInfo
from larix.store.ingest import Incoming, new_incoming
from larix.store.local import LocalStore
from larix.store.tree import StepsOfEvents
from larix.store.treewriter import TreeWriter
from larix.words import tr

__all__ = ["NotAuthorised", "export_item", "import_stream"]

_WITHOUT_SIGNATURE = 8  # bytes that say so, at the end of an item


class NotAuthorised(LarixError):
    """Nobody whose imports are taken here has signed an item."""


class _Arriving:
    """An item whose archive is being read."""

    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.writer = TreeWriter(incoming.file)
        self.events = StepsOfEvents()
        self.hasher = sha256()
        self.size = 0

    def take(self, chunk: NarChunk) -> None:
        self.size += len(chunk.data)
        self.hasher.update(chunk.data)
        self.writer.take(list(self.events.steps(chunk.events)))

    def discard(self) -> None:
        self.writer.close()
        self.incoming.discard()


def _check(item: ExportItem, arriving: _Arriving, authorised: Collection[Key]) -> None:
    """Raise NotAuthorised, or BadSignature, unless one of the keys has signed this very item."""
    if item.signature is None:
        problem = tr("`{path}` is not signed", path=item.path)
    else:
        hasher = arriving.hasher.copy()
        hasher.update(item_end(item.path, item.references, item.deriver)[:-_WITHOUT_SIGNATURE])
        key = signed_by(item.signature, hasher.digest())
        if key in authorised:
            return
        problem = tr("`{path}` is signed by a key that is not authorised here", path=item.path)
    raise NotAuthorised(
        problem, hint=tr("authorise the key of who exports it: `larix archive --authorize < signing-key.pub`")
    )


def export_item(
    store: LocalStore,
    path: StorePath,
    sign: Callable[[bytes], bytes] | None,
    give: Callable[[bytes], object],
) -> None:
    """The archive of a valid item and what follows it, with the signature that `sign` makes of a digest."""
    info = store.path_info(path)
    hasher = sha256()
    for piece in store.dump_nar(path):
        if sign is not None:
            hasher.update(piece)
        give(piece)
    signature = None
    if sign is not None:
        hasher.update(item_end(path, info.references, info.deriver)[:-_WITHOUT_SIGNATURE])
        signature = sign(hasher.digest())
    give(item_end(path, info.references, info.deriver, signature))


def import_stream(
    store: LocalStore,
    pieces: Iterable[bytes],
    *,
    authorised: Collection[Key] | None,
    told: Callable[[StorePath], object] = lambda _path: None,
) -> list[StorePath]:
    """Make each item valid as it ends; what came before a damaged one stays.

    `authorised` are the keys of which one must have signed each item; None takes all as they are.
    """
    decoder = ExportDecoder(store.store_dir)
    imported: list[StorePath] = []
    arriving: _Arriving | None = None
    try:
        for piece in pieces:
            for event in decoder.feed(piece):
                if isinstance(event, NarChunk):
                    if arriving is None:
                        incoming = new_incoming(store.store_dir)
                        store.add_temp_root(incoming.file)
                        arriving = _Arriving(incoming)
                    arriving.take(event)
                    continue
                if arriving is None:
                    continue
                info = PathInfo(
                    event.path,
                    Hash("sha256", arriving.hasher.digest()),
                    arriving.size,
                    event.references,
                    event.deriver,
                )
                if authorised is not None:
                    _check(event, arriving, authorised)
                told(event.path)
                arriving.writer.sync()
                store.add_temp_root(event.path)
                store.publish(info, arriving.incoming)
                imported.append(event.path)
                arriving = None
            if decoder.done:
                break
        decoder.close()
    except FormatError as error:
        error.hint = error.hint or tr(
            "it must be, whole, what `larix archive --export` or `guix archive --export` wrote; what came "
            "before the damage is there"
        )
        raise
    finally:
        if arriving is not None:
            arriving.discard()
    return imported
