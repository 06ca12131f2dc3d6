"""`larix.formats.authentication`: signatures of Guix's daemon are checked, those made here pass libgcrypt."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from base64 import b64decode
from hashlib import sha256

import pytest

import vectors
from larix.formats.authentication import (
    BadSignature,
    Key,
    KeyPair,
    new_key_pair,
    parse_acl,
    parse_key,
    parse_pair,
    print_acl,
    sign,
    signed_by,
)
from larix.formats.export import ExportDecoder, NarChunk, item_end
from larix.formats.sexp import BadSexp, find, parse_sexp, print_sexp
from larix.formats.storepath import StoreDir

EXPORTS = vectors.load("guix", "export")
PAIR = new_key_pair(lambda size: bytes(range(size)))
DIGEST = sha256(b"what is signed").digest()


def signed_items() -> list[tuple[bytes, bytes]]:
    """Of each item that Guix's daemon exported: the digest of what is signed, and the signature."""
    found = []
    for export in EXPORTS:
        decoder, hasher = ExportDecoder(StoreDir("/gnu/store")), sha256()
        for event in decoder.feed(b64decode(export["stream_base64"])):
            if isinstance(event, NarChunk):
                hasher.update(event.data)
            else:
                hasher.update(item_end(event.path, event.references, event.deriver)[:-8])
                assert event.signature is not None
                found.append((hasher.digest(), event.signature))
                hasher = sha256()
    return found


def test_what_guix_signed_passes_and_prints_the_same() -> None:
    items = signed_items()
    assert len(items) >= 4
    keys = {signed_by(signature, digest) for digest, signature in items}
    assert len(keys) == 1
    for digest, signature in items:
        assert print_sexp(parse_sexp(signature)) == signature
        with pytest.raises(BadSignature):
            signed_by(signature, sha256(digest).digest())


def test_no_byte_of_a_signature_by_guix_may_differ() -> None:
    digest, signature = signed_items()[0]
    start = signature.index(b"(s #") + 4
    for at in range(start, start + 256, 7):
        changed = signature[:at] + (b"0" if signature[at : at + 1] != b"0" else b"1") + signature[at + 1 :]
        with pytest.raises(BadSignature):
            signed_by(changed, digest)


def test_keys_are_written_and_read_again() -> None:
    assert parse_key(bytes(PAIR.public)) == PAIR.public
    assert parse_pair(bytes(PAIR)) == PAIR
    keys = [PAIR.public, new_key_pair(os.urandom).public]
    assert parse_acl(print_acl(keys)) == tuple(keys)


def test_signatures_are_checked_by_what_they_cover_and_by_key() -> None:
    signature = sign(PAIR, DIGEST)
    assert signed_by(signature, DIGEST) == PAIR.public
    assert sign(PAIR, DIGEST) == signature, "the same key and digest give the same signature"
    other = new_key_pair(os.urandom)
    swapped = tuple(
        other.public.sexp if isinstance(each, tuple) and each[0] == b"public-key" else each
        for each in parse_sexp(signature)
    )
    with pytest.raises(BadSignature):
        signed_by(print_sexp(swapped), DIGEST)
    for name in (b"(r #", b"(s #", b"(q #"):
        at = signature.index(name) + 12
        changed = signature[:at] + (b"0" if signature[at : at + 1] != b"0" else b"1") + signature[at + 1 :]
        with pytest.raises(BadSignature):
            signed_by(changed, DIGEST)


@pytest.mark.parametrize(
    ("values", "point"),
    [
        (("00", "00"), None),
        (("01", "00"), None),
        (("00", "01"), None),
        (("01", "01"), "01" + "00" * 31),  # the neutral point, with which much else would pass
        (("01", "01"), "00" * 32),
        (("01", "01"), "ff" * 32),
        (("7f" * 33, "01"), None),
    ],
)
def test_numbers_out_of_range_and_points_off_the_group_are_refused(values: tuple, point: str | None) -> None:
    r, s = (bytes.fromhex(each) for each in values)
    key = (
        PAIR.public.sexp
        if point is None
        else (b"public-key", (b"ecc", (b"curve", b"Ed25519"), (b"q", bytes.fromhex(point))))
    )
    data = (b"data", (b"flags", b"rfc6979"), (b"hash", b"sha256", DIGEST))
    value = (b"sig-val", (b"ecdsa", (b"r", r), (b"s", s)))
    with pytest.raises(BadSignature):
        signed_by(print_sexp((b"signature", data, value, key)), DIGEST)


@pytest.mark.parametrize(
    "text",
    [b"", b"()", b"x", b"(signature)", b"(public-key)", b"(public-key (ecc (curve X) (q #00#)))", b"(" * 99],
)
def test_what_is_no_key_or_signature_is_refused(text: bytes) -> None:
    with pytest.raises(BadSignature):
        parse_key(text)
    with pytest.raises(BadSignature):
        parse_pair(text)
    with pytest.raises(BadSignature):
        signed_by(text, DIGEST)


def test_an_access_list_holds_only_what_may_be_imported() -> None:
    key = PAIR.public.sexp
    acl = (b"acl", (b"entry", key, (b"tag", (b"guix", b"look"))))
    assert parse_acl(print_sexp(acl)) == ()
    assert parse_acl(b"(acl)\n") == ()
    for damaged in (b"(acl (entry))", b"(acl x)", b"(entry)", b"(acl"):
        with pytest.raises(BadSignature):
            parse_acl(damaged)


@pytest.mark.parametrize("data", [b"(", b")", b"(a", b"a b", b"#0#", b'"a', b"(a))", b"9:a", b"\xff"])
def test_what_is_no_expression_is_refused(data: bytes) -> None:
    with pytest.raises(BadSexp):
        parse_sexp(data)


def test_expressions_are_read_in_every_spelling() -> None:
    assert parse_sexp(b'(a #6162# 2:ab "a\\x62" "\\141b" ; remark\n (b))') == (
        b"a", b"ab", b"ab", b"ab", b"ab", (b"b",)
    )  # fmt: skip


class Gcrypt:
    """The library whose format this is."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("gcrypt")
        if name is None:
            pytest.skip("no libgcrypt on this machine")
        self.library = ctypes.CDLL(name)
        self.library.gcry_check_version(None)

    def sexp(self, data: bytes) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        assert self.library.gcry_sexp_new(ctypes.byref(made), data, ctypes.c_size_t(len(data)), 1) == 0
        return made

    def text(self, sexp: ctypes.c_void_p) -> bytes:
        buffer = ctypes.create_string_buffer(1 << 16)
        size = self.library.gcry_sexp_sprint(sexp, 3, buffer, ctypes.c_size_t(1 << 16))
        return buffer.raw[:size].rstrip(b"\0\n")

    def call(self, name: str, *words: bytes) -> bytes:
        made = ctypes.c_void_p()
        assert getattr(self.library, name)(ctypes.byref(made), *map(self.sexp, words)) == 0
        return self.text(made)

    def accepts(self, pair: KeyPair, digest: bytes) -> bool:
        values = find(parse_sexp(sign(pair, digest)), b"sig-val")
        assert values is not None
        arguments = (print_sexp(values), data_of(digest), bytes(pair.public))
        return self.library.gcry_pk_verify(*map(self.sexp, arguments)) == 0


def data_of(digest: bytes) -> bytes:
    return b"(data (flags rfc6979) (hash sha256 #%b#))" % digest.hex().encode()


def test_libgcrypt_takes_our_signatures_and_makes_the_same() -> None:
    gcrypt = Gcrypt()
    for number in range(40):
        pair = new_key_pair(lambda size, number=number: sha256(b"%d" % number).digest() * (size // 32))
        digest = sha256(b"digest %d" % number).digest()
        assert gcrypt.accepts(pair, digest)
        theirs = gcrypt.call("gcry_pk_sign", data_of(digest), bytes(pair))
        assert theirs + b"\n" == print_sexp(find(parse_sexp(sign(pair, digest)), b"sig-val") or ())


def test_keys_that_libgcrypt_made_sign_and_its_signatures_pass() -> None:
    gcrypt = Gcrypt()
    for _ in range(8):
        made = gcrypt.call("gcry_pk_genkey", b"(genkey (ecdsa (curve Ed25519) (flags rfc6979)))")
        assert print_sexp(parse_sexp(made)) == made + b"\n"
        pair = parse_pair(made)
        assert gcrypt.accepts(pair, DIGEST)
        public, private = (find(parse_sexp(made), name) or () for name in (b"public-key", b"private-key"))
        values = parse_sexp(gcrypt.call("gcry_pk_sign", data_of(DIGEST), print_sexp(private)))
        signature = print_sexp((b"signature", parse_sexp(data_of(DIGEST)), values, public))
        assert signed_by(signature, DIGEST) == Key(public) == pair.public
