"""An export stream into the store. An item's name comes behind its archive, which so needs a place before."""

from __future__ import annotations

from collections.abc import Iterable

from larix.formats.export import ExportDecoder, NarChunk
from larix.formats.hashes import Hash, new_hasher
from larix.formats.storepath import StorePath
from larix.protocol.store import PathInfo
from larix.store.ingest import Incoming, new_incoming
from larix.store.local import LocalStore
from larix.store.tree import StepsOfEvents
from larix.store.treewriter import TreeWriter

__all__ = ["import_stream"]


class _Arriving:
    """An item whose archive is being read."""

    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.writer = TreeWriter(incoming.file)
        self.events = StepsOfEvents()
        self.hasher = new_hasher("sha256")
        self.size = 0

    def take(self, chunk: NarChunk) -> None:
        self.size += len(chunk.data)
        self.hasher.update(chunk.data)
        self.writer.take(list(self.events.steps(chunk.events)))

    def discard(self) -> None:
        self.writer.close()
        self.incoming.discard()


def import_stream(store: LocalStore, pieces: Iterable[bytes]) -> list[StorePath]:
    """Make each item valid as it ends; what came before a damaged one stays."""
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
                arriving.writer.sync()
                store.add_temp_root(event.path)
                store.publish(info, arriving.incoming)
                imported.append(event.path)
                arriving = None
            if decoder.done:
                break
        decoder.close()
    finally:
        if arriving is not None:
            arriving.discard()
    return imported
