"""Hashes and their four spellings.

    base16   sha256:ba7816bf…            64 digits for sha256
    nix32    sha256:1b8m03r63zqhnj…      52
    base64   sha256:ungWv48Bz+pBQ…=      44
    SRI      sha256-ungWv48Bz+pBQ…=      base64 after a hyphen

Without a prefix the algorithm must be known from elsewhere. For every algorithm the three alphabets give
different lengths, so the length alone tells the spelling.
"""

from __future__ import annotations

import hashlib
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64, unhexlify
from typing import TYPE_CHECKING, NamedTuple, Self

from larix.formats import base32
from larix.formats.errors import FormatError
from larix.words import mark, tr

if TYPE_CHECKING:
    from typing import Protocol

    class Hasher(Protocol):
        def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
        def digest(self) -> bytes: ...
        def hexdigest(self) -> str: ...


__all__ = ["DIGEST_SIZES", "BadHash", "Hash", "hash_bytes", "new_hasher", "parse_hash"]

DIGEST_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
_ALGORITHMS = ", ".join(DIGEST_SIZES)


class BadHash(FormatError):
    noun = mark("hash")


class _Fields(NamedTuple):
    algo: str
    digest: bytes


class Hash(_Fields):
    """An algorithm of `DIGEST_SIZES` and a digest of that algorithm's length."""

    __slots__ = ()

    def __new__(cls, algo: str, digest: bytes) -> Self:
        size = DIGEST_SIZES.get(algo)
        if size is None:
            raise BadHash(expected=tr("one of {algorithms}", algorithms=_ALGORITHMS), found=ascii(algo))
        if len(digest) != size:
            raise BadHash(expected=tr("{size} bytes of {algo}", size=size, algo=algo), found=f"{len(digest)}")
        return super().__new__(cls, algo, digest)

    def base16(self) -> str:
        return self.digest.hex()

    def nix32(self) -> str:
        return base32.encode(self.digest)

    def base64(self) -> str:
        return b2a_base64(self.digest, newline=False).decode("ascii")

    def sri(self) -> str:
        return f"{self.algo}-{self.base64()}"

    def __str__(self) -> str:
        return f"{self.algo}:{self.nix32()}"


def new_hasher(algo: str) -> Hasher:
    """An empty hash state; `Hash(algo, state.digest())` ends it."""
    if algo not in DIGEST_SIZES:
        raise BadHash(expected=tr("one of {algorithms}", algorithms=_ALGORITHMS), found=ascii(algo))
    return hashlib.new(algo, usedforsecurity=False)


def hash_bytes(data: bytes, algo: str = "sha256") -> Hash:
    hasher = new_hasher(algo)
    hasher.update(data)
    return Hash(algo, hasher.digest())


def parse_hash(text: str, algo: str | None = None) -> Hash:
    """Any of the spellings above; `algo` names the algorithm of a bare digest, or the only one accepted."""
    for separator in ":-":
        prefix, found, rest = text.partition(separator)
        if found:
            break
    else:
        prefix, rest, separator = algo or "", text, ""
        if algo is None:
            raise BadHash(
                expected=tr("`ALGORITHM:DIGEST` or `ALGORITHM-BASE64`"),
                found=_shown(text),
                hint=tr("put the algorithm first, one of {algorithms}", algorithms=_ALGORITHMS),
            )
    size = DIGEST_SIZES.get(prefix)
    if size is None:
        raise BadHash(expected=tr("one of {algorithms}", algorithms=_ALGORITHMS), found=_shown(prefix))
    if algo is not None and algo != prefix:
        raise BadHash(expected=algo, found=prefix)
    return Hash(prefix, _parse_digest(rest, prefix, size, sri=separator == "-"))


def _parse_digest(text: str, algo: str, size: int, *, sri: bool) -> bytes:
    length64 = (size + 2) // 3 * 4
    length32 = base32.encoded_length(size)
    if len(text) == length64:
        return _parse_base64(text)
    if not sri and len(text) == size * 2:
        try:
            return unhexlify(text)
        except ValueError as error:
            raise BadHash(expected=tr("hexadecimal digits"), found=_shown(text)) from error
    if not sri and len(text) == length32:
        try:
            return base32.decode(text)
        except base32.BadBase32 as error:
            raise BadHash(
                expected=error.expected, found=tr("{found} in {text}", found=error.found, text=_shown(text))
            ) from error
    expected = tr("{length64} characters of base64", length64=length64)
    if not sri:
        expected = tr(
            "{size} characters of base16, {length32} of nix-base32 or {expected}",
            size=size * 2,
            length32=length32,
            expected=expected,
        )
    raise BadHash(
        expected=tr("{expected} for {algo}", expected=expected, algo=algo),
        found=tr("{count} in {text}", count=len(text), text=_shown(text)),
    )


def _parse_base64(text: str) -> bytes:
    try:
        digest = a2b_base64(text, strict_mode=True)
    except (BinasciiError, ValueError) as error:
        raise BadHash(expected="base64", found=_shown(text)) from error
    if b2a_base64(digest, newline=False).decode("ascii") != text:
        raise BadHash(expected=tr("base64 without stray bits"), found=_shown(text))
    return digest


def _shown(text: str) -> str:
    return ascii(text[:140])
