"""`larix.protocol.ops`: every operation, in every dialect that has it, there and back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from larix.derivation import Output
from larix.formats.errors import FormatError
from larix.formats.storepath import BadStorePath, StorePath
from larix.formats.wire import BadWire, Reader, StreamReader, WireTruncated, encode_string, encode_u64
from larix.protocol.dialect import (
    FEATURES,
    GUIX_VERSION,
    NIX_VERSION,
    Dialect,
    UnknownVersion,
    dialect_of,
)
from larix.protocol.ops import OPERATIONS, Form, operation
from larix.protocol.values import BareDerivation, DerivationText
from protocol.values import DIALECTS, STORE_DIR, arguments, strategy

SPOKEN = [
    pytest.param(dialect, form, id=f"{op.name}-{dialect.kind}-{dialect.minor}")
    for op in OPERATIONS.values()
    for dialect in DIALECTS
    if (form := op.form(dialect)) is not None
]


@pytest.mark.parametrize(("dialect", "form"), SPOKEN)
@settings(max_examples=5)
@given(data=st.data())
def test_requests_and_replies_come_back_as_they_were(
    dialect: Dialect, form: Form, data: st.DataObject
) -> None:
    """Whole, in pieces of a byte, with more behind them, and cut off anywhere."""
    wanted = data.draw(arguments(form, dialect))
    request = form.write(wanted, dialect)
    assert form.read(Reader(request), dialect) == wanted
    source = iter([request[at : at + 1] for at in range(len(request))])
    assert form.read(StreamReader(lambda _size: next(source, b"")), dialect) == wanted
    reader = Reader(request + b"more")
    form.read(reader, dialect)
    assert reader.position == len(request)
    for end in range(0, len(request), 24):
        with pytest.raises(WireTruncated):
            form.read(Reader(request[:end]), dialect)
    if form.reply.codec is not None:
        value = data.draw(strategy(form.reply.codec, dialect))
        reply = form.reply.codec.write(value, dialect)
        assert form.reply.codec.read(Reader(reply), dialect) == value


def test_every_operation_has_a_number_of_its_own_and_one_form_at_most_in_a_dialect() -> None:
    assert len({op.number for op in OPERATIONS.values()}) == len(OPERATIONS)
    for op in OPERATIONS.values():
        assert operation(op.number) is op
        assert any(op.form(dialect) for dialect in DIALECTS)
        for dialect in DIALECTS:
            assert sum(form.is_spoken(dialect) for form in op.forms) <= 1


def test_what_only_larix_has_is_not_spoken_to_others() -> None:
    nix, guix = Dialect(STORE_DIR, "nix", 38), Dialect(STORE_DIR, "guix", 0x63)
    for name in ("add_texts", "keep_paths", "query_path_infos"):
        assert OPERATIONS[name].form(nix) is None
        assert OPERATIONS[name].form(guix) is None
        assert OPERATIONS[name].form(nix._replace(features=FEATURES)) is not None
    assert OPERATIONS["builtin_builders"].form(nix) is None


def test_a_path_outside_the_store_leaves_the_rest_of_the_request_readable() -> None:
    dialect = DIALECTS[0]
    form = OPERATIONS["add_text_to_store"].form(dialect)
    assert form is not None
    request = encode_string(b"name") + encode_string(b"text") + encode_u64(1) + encode_string(b"/etc/passwd")
    reader = Reader(request + encode_u64(1))
    with pytest.raises(BadStorePath):
        form.read(reader, dialect)
    assert reader.position == len(request)
    assert reader.refused is None, "the next request starts anew"


@pytest.mark.parametrize(
    ("announced", "client", "spoken"),
    [
        (GUIX_VERSION, GUIX_VERSION, "Guix 0x163"),
        (GUIX_VERSION, 0x16F, "Guix 0x163"),
        (NIX_VERSION, GUIX_VERSION, "Guix 0x163"),
        (GUIX_VERSION, 0x122, "Nix 1.34"),
        (NIX_VERSION, 0x127, "Nix 1.38"),
        (NIX_VERSION, 0x10A, "Nix 1.10"),
    ],
)
def test_the_clients_version_decides_what_is_spoken(announced: int, client: int, spoken: str) -> None:
    assert str(dialect_of(STORE_DIR, announced, client)) == spoken


@pytest.mark.parametrize(
    ("announced", "client", "reason"),
    [
        (GUIX_VERSION, 0x127, "newer than 1.38"),
        (NIX_VERSION, 0x109, "older than 1.10"),
        (GUIX_VERSION, 0x161, "older than 0x163"),
        (GUIX_VERSION, 0x26, "not 1.x"),
        (GUIX_VERSION, 0x222, "not 1.x"),
    ],
)
def test_what_nobody_speaks_is_refused(announced: int, client: int, reason: str) -> None:
    with pytest.raises(UnknownVersion, match=reason):
        dialect_of(STORE_DIR, announced, client)


def test_damaged_requests_are_refused_by_errors_of_the_format_alone() -> None:
    """Ten thousand requests with something changed, cut, doubled or made huge; none takes much memory."""
    chance = random.Random(20)
    samples: list[tuple[Form, Dialect, bytes]] = []
    for op in OPERATIONS.values():
        for dialect in DIALECTS:
            form = op.form(dialect)
            if form is not None:
                samples.append((form, dialect, form.write(_plain(form, dialect), dialect)))
    accepted = 0
    for _ in range(10_000):
        form, dialect, request = chance.choice(samples)
        damaged = _damage(chance, bytearray(request))
        try:
            value = form.read(Reader(damaged), dialect)
        except FormatError:
            continue
        accepted += 1
        again = form.write(value, dialect)
        assert form.read(Reader(again), dialect) == value
    assert 0 < accepted < 9_000


def _plain(form: Form, dialect: Dialect) -> dict[str, Any]:
    """One request, the same on every run."""
    path = StorePath(f"{STORE_DIR}/{'0' * 32}-name")
    plain: dict[str, Any] = {
        "number": 1,
        "boolean": True,
        "bytes": b"text",
        "text": "name",
        "texts": ("a", "b"),
        "path": path,
        "paths": (path,),
        "path or nothing": path,
        "settings": (("a", "b"),),
        "paths with content addresses": ((path, "text"),),
        "targets": (),
        "derivation": BareDerivation((("out", Output(path)),), (), "x86_64-linux", b"/x", (b"-c",), ()),
        "texts with references": (DerivationText("name", b"text", (path,)),),
    }
    return {field.name: plain[field.codec.name] for field in form.fields}


def _damage(chance: random.Random, data: bytearray) -> bytes:
    for _ in range(chance.randint(1, 3)):
        kind = chance.randrange(5)
        at = chance.randrange(len(data) or 1)
        if kind == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:at] = data[at : at + chance.randrange(16)]
        elif kind == 3:
            data[at & ~7 : (at & ~7) + 8] = encode_u64(
                chance.choice([0, 1, 8, 1 << 20, 1 << 40, (1 << 64) - 1])
            )
        else:
            data += chance.randbytes(chance.randrange(9))
    return bytes(data)


def test_a_length_that_nobody_sends_is_refused_before_it_is_waited_for() -> None:
    dialect = DIALECTS[0]
    form = OPERATIONS["query_valid_paths"].form(dialect)
    assert form is not None
    for request in (encode_u64(1 << 50), encode_u64(1) + encode_u64(1 << 50)):
        asked: list[int] = []

        def receive(size: int, left: list[bytes] = [request], asked: list[int] = asked) -> bytes:  # noqa: B006
            asked.append(size)
            return left.pop() if left else b""

        with pytest.raises(BadWire, match="at most"):
            form.read(StreamReader(receive), dialect)
        assert max(asked) <= 1 << 17
