"""The export stream: store items with what must be known to register them, for moving between stores.

    stream  = { u64(1) archive u64(0x4558494e) path strings(REFERENCE) deriver signature } u64(0)
    path    = string, a store path                 deriver   = string, a store path or empty
    REFERENCE: sorted and unique                   signature = u64(0) | u64(1) string

An item's archive comes before its path, so that a reader must put the content somewhere before it knows
what it has got. Nix writes no signature; Guix signs each item, over the archive and all that stands before
the signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from larix.formats import nar
from larix.formats.nar import BadNar
from larix.formats.storepath import BadStorePath, StoreDir, StorePath, parse_store_path
from larix.formats.wire import BadWire, Reader, WireTruncated, encode_string, encode_strings, encode_u64
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "EXPORT_END",
    "ITEM_START",
    "BadExport",
    "ExportDecoder",
    "ExportEvent",
    "ExportItem",
    "NarChunk",
    "item_end",
]

ITEM_START = encode_u64(1)
EXPORT_END = encode_u64(0)
_ITEM_MARK = 0x4558494E
_MAX_SIGNATURE_LENGTH = 1 << 14
_MAX_PATH_LENGTH = 1 << 12
_WINDOW = 1 << 16
_MAX_REFERENCES = 1 << 16


class BadExport(BadWire):
    noun = mark("export")


class NarChunk(NamedTuple):
    """A piece of the archive of the item to come, and what it means."""

    data: bytes
    events: list[nar.Event]


class ExportItem(NamedTuple):
    """Whose archive that was; `signature` is as found, and nothing here has verified it."""

    path: StorePath
    references: tuple[StorePath, ...]
    deriver: StorePath | None
    signature: bytes | None


ExportEvent: TypeAlias = NarChunk | ExportItem


def item_end(
    path: StorePath,
    references: Iterable[StorePath],
    deriver: StorePath | None = None,
    signature: bytes | None = None,
) -> bytes:
    """What follows the archive of an item; ITEM_START stands before it, EXPORT_END after the last."""
    return b"".join(
        (
            encode_u64(_ITEM_MARK),
            encode_string(path.encode()),
            encode_strings([reference.encode() for reference in sorted(set(references))]),
            encode_string((deriver or "").encode()),
            encode_u64(0) if signature is None else encode_u64(1) + encode_string(signature),
        )
    )


class ExportDecoder:
    """Feed it chunks of any slicing, act upon the events each gives, and close it.

    Nothing may follow the stream. After an error the decoder takes nothing more, and the events of that
    chunk are lost: the item that was being received is void.
    """

    __slots__ = (
        "_deriver",
        "_error",
        "_nar",
        "_nar_start",
        "_offset",
        "_path",
        "_references",
        "_rest",
        "_state",
        "_store_dir",
        "_wanted",
        "done",
    )

    def __init__(self, store_dir: StoreDir) -> None:
        self.done = False
        self._store_dir = store_dir
        self._rest = b""
        self._offset = 0  # of the first byte of `_rest`
        self._nar: nar.Decoder | None = None
        self._nar_start = 0
        self._state: Callable[[Reader], ExportItem | None] = self._item_or_end
        self._path = StorePath("")
        self._references: list[StorePath] = []
        self._wanted = 0  # how many references are still to come
        self._deriver: StorePath | None = None
        self._error: BadExport | None = None

    def feed(self, chunk: bytes | bytearray | memoryview) -> list[ExportEvent]:
        """The events that `chunk` completes. Raises BadExport."""
        if self._error is not None:
            raise self._error
        reader = Reader(self._rest + bytes(chunk), base=self._offset)
        events: list[ExportEvent] = []
        try:
            while not self.done and self._step(reader, events):
                pass
            if self.done:
                reader.end()
        except (BadWire, BadNar) as error:
            start = self._nar_start if isinstance(error, BadNar) else 0
            offset = None if error.offset is None else start + error.offset
            self._error = BadExport(offset=offset, expected=error.expected, found=error.found)
            raise self._error from error
        self._offset += reader.position
        self._rest = reader.data[reader.position :]
        return events

    def close(self) -> None:
        """Raise BadExport unless the stream was complete."""
        if self._error is not None:
            raise self._error
        if not self.done:
            raise BadExport(
                offset=self._offset + len(self._rest), expected=tr("more of the stream"), found=tr("the end")
            )

    def _step(self, reader: Reader, events: list[ExportEvent]) -> bool:
        """Do what the next bytes allow; false when more are needed."""
        start = reader.position
        if self._nar is not None:
            return self._archive(self._nar, reader, events)
        try:
            item = self._state(reader)
        except WireTruncated:
            reader.position = start
            return False
        except BadStorePath as error:
            raise reader.fail(error.expected, error.found, start) from error
        if item is not None:
            events.append(item)
        return True

    def _archive(self, decoder: nar.Decoder, reader: Reader, events: list[ExportEvent]) -> bool:
        # In windows, since what is behind the archive's end is copied once for each item.
        window = reader.data[reader.position : reader.position + _WINDOW]
        if not window:
            return False
        decoded = decoder.feed(window)
        used = len(window) - len(decoder.unused)
        events.append(NarChunk(window[:used], decoded))
        reader.position += used
        if decoder.done:
            self._nar = None
            self._state = self._mark
        return True

    def _item_or_end(self, reader: Reader) -> None:
        if reader.boolean():
            self._nar = nar.Decoder()
            self._nar_start = reader.base + reader.position
        else:
            self.done = True

    def _mark(self, reader: Reader) -> None:
        at = reader.position
        mark = reader.u64()
        if mark != _ITEM_MARK:
            raise reader.fail(f"{_ITEM_MARK:#x}", f"{mark:#x}", at)
        self._state = self._read_path

    def _read_path(self, reader: Reader) -> None:
        self._path = parse_store_path(self._store_dir, reader.text(limit=_MAX_PATH_LENGTH))
        self._state = self._reference_count

    def _reference_count(self, reader: Reader) -> None:
        self._wanted = reader.u64(limit=_MAX_REFERENCES)
        self._references = []
        self._state = self._reference if self._wanted else self._read_deriver

    def _reference(self, reader: Reader) -> None:
        at = reader.position
        reference = parse_store_path(self._store_dir, reader.text(limit=_MAX_PATH_LENGTH))
        if self._references and reference <= self._references[-1]:
            raise reader.fail(
                tr("a reference that sorts after `{references}`", references=self._references[-1]),
                f"`{reference}`",
                at,
            )
        self._references.append(reference)
        if len(self._references) == self._wanted:
            self._state = self._read_deriver

    def _read_deriver(self, reader: Reader) -> None:
        text = reader.text(limit=_MAX_PATH_LENGTH)
        self._deriver = parse_store_path(self._store_dir, text) if text else None
        self._state = self._has_signature

    def _has_signature(self, reader: Reader) -> ExportItem | None:
        if not reader.boolean():
            return self._item(None)
        self._state = self._signature
        return None

    def _signature(self, reader: Reader) -> ExportItem:
        return self._item(reader.string(limit=_MAX_SIGNATURE_LENGTH))

    def _item(self, signature: bytes | None) -> ExportItem:
        self._state = self._item_or_end
        return ExportItem(self._path, tuple(self._references), self._deriver, signature)
