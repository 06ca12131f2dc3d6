"""`larix.formats.signature`: what Nix signs, and nothing less."""

from __future__ import annotations

import pytest

import vectors
from larix.formats.hashes import hash_bytes, parse_hash
from larix.formats.signature import (
    BadKey,
    PublicKey,
    fingerprint,
    is_signed,
    parse_public_key,
    parse_secret_key,
    sign,
)
from larix.formats.storepath import StorePath

VECTORS = vectors.load("nix", "signatures")
SECRET = parse_secret_key(VECTORS["secret_key"])
PUBLIC = parse_public_key(VECTORS["public_key"])
RECORDS = VECTORS["records"]


def message_of(record: dict) -> bytes:
    references = [StorePath(path) for path in record["references"]]
    nar_hash = parse_hash(record["nar_hash"])
    return fingerprint(StorePath(record["path"]), nar_hash, record["nar_size"], references)


def test_keys_come_back_as_they_were_written() -> None:
    assert str(SECRET) == VECTORS["secret_key"]
    assert str(PUBLIC) == VECTORS["public_key"]
    assert SECRET.public == PUBLIC


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["path"][-4:])
def test_signatures_are_those_of_nix(record: dict) -> None:
    assert sign(SECRET, message_of(record)) == record["signature"]
    assert is_signed(record["signature"], message_of(record), [PUBLIC])


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/nix/store/8k76qv3679r7rwawmxcw6mrs26yi51gb-toq"},
        {"nar_hash": str(hash_bytes(b"other"))},
        {"nar_size": 1201},
        {"references": []},
        {"references": [*RECORDS[1]["references"], "/nix/store/szj9j9213c4qmach43wyjydj9x36raap-leag"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signature_covers_every_field(change: dict) -> None:
    record = next(record for record in RECORDS if record["references"])
    assert is_signed(record["signature"], message_of(record), [PUBLIC])
    assert not is_signed(record["signature"], message_of(record | change), [PUBLIC])


def test_references_are_a_set() -> None:
    record = next(record for record in RECORDS if record["references"])
    again = record | {"references": [*reversed(record["references"]), *record["references"]]}
    assert message_of(again) == message_of(record)


def test_another_key_of_the_same_name_is_no_help_and_no_harm() -> None:
    record = RECORDS[0]
    other = PublicKey(PUBLIC.name, bytes(31) + b"\1")
    assert not is_signed(record["signature"], message_of(record), [other])
    assert is_signed(record["signature"], message_of(record), [other, PUBLIC])


def test_a_key_signs_under_its_own_name_only() -> None:
    record = RECORDS[0]
    renamed = "mallory:" + record["signature"].partition(":")[2]
    assert not is_signed(renamed, message_of(record), [PUBLIC])
    assert not is_signed(record["signature"], message_of(record), [PublicKey("mallory", PUBLIC.key)])


def test_no_byte_of_a_signature_may_differ() -> None:
    record = RECORDS[0]
    name, _, digits = record["signature"].partition(":")
    for at in range(84):
        changed = digits[:at] + ("A" if digits[at] != "A" else "B") + digits[at + 1 :]
        assert not is_signed(f"{name}:{changed}", message_of(record), [PUBLIC])


@pytest.mark.parametrize(
    "text", ["", ":", "name", "name:", "name:AAAA", "name:!!", ":AAAA", "name:" + "A" * 88]
)
def test_what_is_no_signature_signs_nothing(text: str) -> None:
    assert not is_signed(text, b"", [PUBLIC, PublicKey("name", bytes(32))])


@pytest.mark.parametrize("text", ["", "name", "name:AAAA", VECTORS["secret_key"]])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        parse_public_key(text)


def test_a_secret_that_cannot_be_read_is_not_shown() -> None:
    with pytest.raises(BadKey) as caught:
        parse_secret_key(VECTORS["secret_key"][:-4])
    assert SECRET.name not in str(caught.value)
    assert VECTORS["secret_key"][20:40] not in str(caught.value)
