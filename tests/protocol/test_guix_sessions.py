"""Conversations of a real Guix client with the real daemon, read by the table and written anew."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

import vectors
from larix.formats import nar
from larix.formats.storepath import StoreDir
from larix.formats.wire import StreamReader, encode_string, encode_u64
from larix.protocol.channel import archive
from larix.protocol.dialect import CLIENT_MAGIC, GUIX_VERSION, SERVER_MAGIC, Dialect
from larix.protocol.messages import Ask, Data, Done, Line, read_message, write_message
from larix.protocol.ops import ARCHIVE, OPERATIONS, PULLED, operation

SESSIONS = {
    session["name"]: session["connections"] for session in vectors.load("guix", "sessions")["sessions"]
}


def reader_of(data: bytes) -> StreamReader:
    pieces = [data]
    return StreamReader(lambda _size: pieces.pop() if pieces else b"")


def dialect_in(data: bytes) -> Dialect:
    return Dialect(StoreDir("/var/ng/store" if b"/var/ng/store" in data else "/gnu/store"), "guix", 0x63)


def requests_of(data: bytes) -> tuple[list[tuple[str, dict[str, Any], bytes]], bytes]:
    """The requests of a client, each with its body, and the conversation written anew from them."""
    reader, dialect = reader_of(data), dialect_in(data)
    greeting = [reader.u64() for _ in range(4)]
    assert greeting[:2] == [CLIENT_MAGIC, GUIX_VERSION]
    again = b"".join(map(encode_u64, greeting))
    found = []
    while not reader.is_at_end():
        number = reader.u64()
        op = operation(number)
        assert op is not None
        form = op.form(dialect)
        assert form is not None, op.name
        values = form.read(reader, dialect)
        again += encode_u64(number) + form.write(values, dialect)
        body = b""
        if form.body == ARCHIVE:
            body = b"".join(archive(reader))
            again += body
        elif form.body == PULLED:
            body = reader.string(limit=1 << 20)
            again += encode_string(body)
        found.append((op.name, values, body))
    return found, again


@pytest.mark.parametrize("name", SESSIONS)
def test_what_the_client_says_is_read_whole_and_written_the_same(name: str) -> None:
    for connection in SESSIONS[name]:
        data = b64decode(connection["c2s"])
        _, again = requests_of(data)
        assert again == data


@pytest.mark.parametrize("name", SESSIONS)
def test_what_the_daemon_answers_is_read_whole_and_written_the_same(name: str) -> None:
    for connection in SESSIONS[name]:
        requests, _ = requests_of(b64decode(connection["c2s"]))
        data = b64decode(connection["s2c"])
        dialect = dialect_in(b64decode(connection["c2s"]) + data)
        reader = reader_of(data)
        assert [reader.u64(), reader.u64()] == [SERVER_MAGIC, GUIX_VERSION]
        again = encode_u64(SERVER_MAGIC) + encode_u64(GUIX_VERSION)
        for op in ["greeting", *(request[0] for request in requests)]:
            while not isinstance(message := read_message(reader, dialect), Done):
                assert isinstance(message, Line | Ask | Data)
                again += write_message(message, dialect)
            again += write_message(message, dialect)
            if op != "greeting":
                form = OPERATIONS[op].form(dialect)
                assert form is not None
                if form.reply.codec is not None:
                    again += form.reply.codec.write(form.reply.codec.read(reader, dialect), dialect)
        assert reader.is_at_end()
        assert again == data


def test_the_sessions_hold_what_they_should() -> None:
    """The archive that was sent is one, and the operations are those that were called."""
    (connection,) = SESSIONS["04-add-file"]
    (add,), _ = requests_of(b64decode(connection["c2s"]))
    assert add[0] == "add_to_store"
    assert add[1] == {"name": "hostname", "is_fixed": True, "is_recursive": 1, "algorithm": "sha256"}
    assert nar.decode_tree(add[2]) == nar.File(b"vm\n", executable=True)
    names = {
        request[0]
        for some in SESSIONS.values()
        for c in some
        for request in requests_of(b64decode(c["c2s"]))[0]
    }
    assert names >= {"add_to_store", "build_paths", "export_path", "import_paths", "add_indirect_root"}
