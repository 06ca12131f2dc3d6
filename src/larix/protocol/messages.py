"""What a server says while it works on a request, before the reply.

    0x6f6c6d67 text                                      a line for the user
    0x64617461 u64                                       asks for so many bytes of the body, at most
    0x64617416 bytes                                     data for the client
    0x53545254 id level type text fields parent          something begins
    0x53544f50 id                                        and ends
    0x52534c54 id type fields                            something is told of it
    0x63787470 ...                                       it failed, and no reply comes
    0x616c7473                                           it is done, and the reply comes

A field is u64(0) u64 or u64(1) text. What begins and ends is known to Nix from 1.20 on, and not to Guix. A
failure is text and status, or for Nix from 1.26 on: "Error", level, name, text, and places that nobody gives.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from larix.formats.wire import MAX_COUNT, Reader, encode_string, encode_u64
from larix.protocol.dialect import Dialect
from larix.words import tr

__all__ = [
    "Ask",
    "Began",
    "Data",
    "Done",
    "Ended",
    "Failure",
    "Line",
    "Message",
    "Told",
    "knows_activities",
    "read_message",
    "write_message",
]

_NEXT, _READ, _WRITE, _LAST, _ERROR = 0x6F6C6D67, 0x64617461, 0x64617416, 0x616C7473, 0x63787470
_START, _STOP, _RESULT = 0x53545254, 0x53544F50, 0x52534C54
_MAX_TEXT = 1 << 24

FieldValue: TypeAlias = int | bytes


class Line(NamedTuple):
    text: bytes


class Ask(NamedTuple):
    size: int


class Data(NamedTuple):
    data: bytes


class Began(NamedTuple):
    """`level` is how much is to be told for this to be shown, 0 to 7; `kind` and `fields` are Nix's."""

    id: int
    level: int
    kind: int
    text: bytes
    fields: tuple[FieldValue, ...] = ()
    parent: int = 0


class Ended(NamedTuple):
    id: int


class Told(NamedTuple):
    id: int
    kind: int
    fields: tuple[FieldValue, ...] = ()


class Failure(NamedTuple):
    """`status` is an exit code, `name` the kind of error, `hint` what to do next."""

    text: bytes
    status: int = 1
    name: str = ""
    hint: bytes = b""


class Done(NamedTuple):
    pass


Message: TypeAlias = Line | Ask | Data | Began | Ended | Told | Failure | Done


def knows_activities(dialect: Dialect) -> bool:
    return not dialect.is_guix and dialect.minor >= 20


def _write_fields(fields: tuple[FieldValue, ...]) -> bytes:
    return encode_u64(len(fields)) + b"".join(
        encode_u64(0) + encode_u64(field) if isinstance(field, int) else encode_u64(1) + encode_string(field)
        for field in fields
    )


def _read_fields(reader: Reader) -> tuple[FieldValue, ...]:
    return tuple(
        [
            reader.string(limit=_MAX_TEXT) if reader.u64(limit=1) else reader.u64()
            for _ in range(reader.u64(limit=MAX_COUNT))
        ]
    )


def write_message(message: Message, dialect: Dialect) -> bytes:
    match message:
        case Line(text):
            return encode_u64(_NEXT) + encode_string(text)
        case Ask(size):
            return encode_u64(_READ) + encode_u64(size)
        case Data(data):
            return encode_u64(_WRITE) + encode_string(data)
        case Began(id, level, kind, text, fields, parent):
            head = b"".join(map(encode_u64, (_START, id, level, kind)))
            return head + encode_string(text) + _write_fields(fields) + encode_u64(parent)
        case Ended(id):
            return encode_u64(_STOP) + encode_u64(id)
        case Told(id, kind, fields):
            return b"".join(map(encode_u64, (_RESULT, id, kind))) + _write_fields(fields)
        case Failure():
            return encode_u64(_ERROR) + _write_failure(message, dialect)
        case Done():
            return encode_u64(_LAST)


def _write_failure(failure: Failure, dialect: Dialect) -> bytes:
    if dialect.is_guix or dialect.minor < 26:
        return encode_string(failure.text) + encode_u64(failure.status)
    hints = [failure.hint] if failure.hint else []
    return b"".join(
        (
            encode_string(b"Error"),
            encode_u64(0),
            encode_string(f"{failure.name}:{failure.status}".encode()),
            encode_string(failure.text),
            encode_u64(0),
            encode_u64(len(hints)),
            *(encode_u64(0) + encode_string(hint) for hint in hints),
        )
    )


def _read_failure(reader: Reader, dialect: Dialect) -> Failure:
    if dialect.is_guix or dialect.minor < 26:
        return Failure(reader.string(limit=_MAX_TEXT), reader.u64())
    reader.text()
    reader.u64()
    name, _, status = reader.string().decode("utf-8", "replace").rpartition(":")
    text = reader.string(limit=_MAX_TEXT)
    reader.u64(limit=0)
    hints: list[bytes] = []
    for _ in range(reader.u64(limit=MAX_COUNT)):
        reader.u64(limit=0)
        hints.append(reader.string(limit=_MAX_TEXT))
    code = int(status) if status.isascii() and status.isdigit() and len(status) < 4 else 1
    return Failure(text, code, name, hints[0] if hints else b"")


def read_message(reader: Reader, dialect: Dialect) -> Message:
    """The next message. Raises BadWire for what is none."""
    kind = reader.u64()
    if kind == _NEXT:
        return Line(reader.string(limit=_MAX_TEXT))
    if kind == _READ:
        return Ask(reader.u64())
    if kind == _WRITE:
        return Data(reader.string(limit=_MAX_TEXT))
    if kind == _START:
        id, level, number = reader.u64(), reader.u64(), reader.u64()  # noqa: A001 - the protocol's word
        return Began(id, level, number, reader.string(limit=_MAX_TEXT), _read_fields(reader), reader.u64())
    if kind == _STOP:
        return Ended(reader.u64())
    if kind == _RESULT:
        return Told(reader.u64(), reader.u64(), _read_fields(reader))
    if kind == _ERROR:
        return _read_failure(reader, dialect)
    if kind == _LAST:
        return Done()
    raise reader.fail(tr("a message of the daemon"), tr("the number {kind:#x}", kind=kind))
