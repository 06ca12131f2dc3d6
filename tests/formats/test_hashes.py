from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.hashes import DIGEST_SIZES, BadHash, Hash, hash_bytes, new_hasher, parse_hash
from vectors import load

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "vector", load("nix", "hashes"), ids=lambda vector: f"{vector['algo']}-{vector['label']}"
)
class TestNixVectors:
    def test_written_in_all_spellings(self, vector: dict[str, Any]) -> None:
        value = Hash(vector["algo"], bytes.fromhex(vector["base16"]))
        assert value.base16() == vector["base16"]
        assert value.nix32() == vector["base32"]
        assert value.base64() == vector["base64"]
        assert value.sri() == vector["sri"]
        assert str(value) == f"{vector['algo']}:{vector['base32']}"

    def test_read_in_all_spellings(self, vector: dict[str, Any]) -> None:
        algo = vector["algo"]
        value = Hash(algo, bytes.fromhex(vector["base16"]))
        for spelling in ("base16", "base32", "base64"):
            assert parse_hash(vector[spelling], algo) == value
            assert parse_hash(f"{algo}:{vector[spelling]}") == value
            assert parse_hash(f"{algo}:{vector[spelling]}", algo) == value
        assert parse_hash(vector["sri"]) == value
        assert parse_hash(vector["sri"], algo) == value


@pytest.mark.parametrize("vector", load("guix", "hashes"), ids=lambda vector: vector["ascii"] or "empty")
def test_hashes_what_guix_hashes(vector: dict[str, Any]) -> None:
    data = vector["ascii"].encode()
    assert hash_bytes(data).base16() == vector["sha256_base16"]
    assert hash_bytes(data).nix32() == vector["sha256_nix_base32"]
    assert hash_bytes(data, "sha1").base16() == vector["sha1_base16"]


@given(
    st.sampled_from(sorted(DIGEST_SIZES)).flatmap(
        lambda a: st.tuples(st.just(a), st.binary(min_size=64, max_size=64))
    )
)
def test_every_hash_comes_back_from_each_spelling(value: tuple[str, bytes]) -> None:
    algo, raw = value
    hash_ = Hash(algo, raw[: DIGEST_SIZES[algo]])
    assert (
        parse_hash(str(hash_)) == parse_hash(hash_.sri()) == parse_hash(f"{algo}:{hash_.base64()}") == hash_
    )
    assert parse_hash(hash_.base16().upper(), algo) == hash_


@given(st.text(max_size=130) | st.text(alphabet="shamd0156:-+/=abcdf", max_size=130))
def test_any_text_gives_a_hash_or_an_error(text: str) -> None:
    for algo in (None, "sha256"):
        try:
            hash_ = parse_hash(text, algo)
        except BadHash:
            continue
        assert len(hash_.digest) == DIGEST_SIZES[hash_.algo]


@pytest.mark.parametrize(
    ("text", "algo", "message"),
    [
        (ABC, None, "expected `ALGORITHM:DIGEST`"),
        (f"sha3:{ABC}", None, "expected one of md5, sha1, sha256, sha512, found 'sha3'"),
        (
            f"sha1:{ABC}",
            None,
            "40 characters of base16, 32 of nix-base32 or 28 characters of base64 for sha1",
        ),
        (f"sha256:{ABC}", "sha512", "expected sha512, found sha256"),
        (f"sha256-{ABC}", None, "expected 44 characters of base64 for sha256"),
        (ABC[:-1] + "g", "sha256", "hexadecimal"),
        (ABC[:-1] + "٣", "sha256", "hexadecimal"),
        ("1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5e", "sha256", "a digit of"),
        ("zb8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s", "sha256", "zero bits"),
        ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa1=", "sha256", "stray bits"),
        ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0*", "sha256", "expected base64"),
        ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIA===\n", "sha256", "expected base64"),
        ("", "sha256", "found 0 in ''"),
    ],
)
def test_what_is_wrong_is_said(text: str, algo: str | None, message: str) -> None:
    with pytest.raises(BadHash) as caught:
        parse_hash(text, algo)
    assert message in str(caught.value)


def test_an_invalid_hash_cannot_be_made() -> None:
    with pytest.raises(BadHash, match="32 bytes of sha256"):
        Hash("sha256", b"short")
    with pytest.raises(BadHash, match="one of md5"):
        Hash("crc32", b"1234")
    with pytest.raises(BadHash, match="one of md5"):
        new_hasher("sha384")
