"""Signatures as Nix makes them: ed25519 over what the record of a path says of it, by a key with a name.

    signature   = NAME ":" base64 of 64 bytes
    public key  = NAME ":" base64 of 32 bytes
    secret key  = NAME ":" base64 of 64 bytes, of which the last 32 are the public key
    fingerprint = "1;" path ";" NAR hash in nix-base32 ";" NAR size ";" references, sorted, commas between

What is not in the fingerprint (deriver, content address, time) is not signed, and nobody may act on it
because something else is.
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, NamedTuple

from larix.formats.errors import FormatError, excerpt
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.formats.hashes import Hash
    from larix.formats.storepath import StorePath

__all__ = [
    "BadKey",
    "PublicKey",
    "SecretKey",
    "fingerprint",
    "is_signed",
    "parse_public_key",
    "parse_secret_key",
    "sign",
]

_PUBLIC_SIZE, _SECRET_SIZE, _SIGNATURE_SIZE = 32, 64, 64


class BadKey(FormatError):
    noun = mark("key")


class PublicKey(NamedTuple):
    name: str
    key: bytes

    def __str__(self) -> str:
        return _join(self.name, self.key)


class SecretKey(NamedTuple):
    """`key` is the seed and the public key behind it."""

    name: str
    key: bytes

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.name, self.key[_PUBLIC_SIZE:])

    def __str__(self) -> str:
        return _join(self.name, self.key)


def _join(name: str, data: bytes) -> str:
    return f"{name}:{b2a_base64(data, newline=False).decode()}"


def _split(text: str, size: int) -> tuple[str, bytes] | None:
    """The name and the bytes of a key or signature; None for what is none."""
    name, colon, digits = text.partition(":")
    if not name or not colon:
        return None
    try:
        data = a2b_base64(digits, strict_mode=True)
    except (BinasciiError, ValueError):
        return None
    return (name, data) if len(data) == size else None


def parse_public_key(text: str) -> PublicKey:
    """Raises BadKey."""
    found = _split(text.strip(), _PUBLIC_SIZE)
    if found is None:
        raise BadKey(
            expected=tr("`NAME:BASE64` with {size} bytes", size=_PUBLIC_SIZE), found=excerpt(text.encode())
        )
    return PublicKey(*found)


def parse_secret_key(text: str) -> SecretKey:
    """Raises BadKey, which never shows what was read."""
    found = _split(text.strip(), _SECRET_SIZE)
    if found is None:
        raise BadKey(
            expected=tr("`NAME:BASE64` with {size} bytes", size=_SECRET_SIZE), found=tr("something else")
        )
    return SecretKey(*found)


def fingerprint(path: StorePath, nar_hash: Hash, nar_size: int, references: Iterable[StorePath]) -> bytes:
    """What is signed."""
    return f"1;{path};{nar_hash};{nar_size};{','.join(sorted(set(references)))}".encode()


def sign(key: SecretKey, message: bytes) -> str:
    from nacl.signing import SigningKey

    return _join(key.name, SigningKey(key.key[:_PUBLIC_SIZE]).sign(message).signature)


def is_signed(signature: str, message: bytes, keys: Iterable[PublicKey]) -> bool:
    """Whether one of `keys` that has the name in the signature has made it."""
    found = _split(signature, _SIGNATURE_SIZE)
    if found is None:
        return False
    name, data = found
    candidates = [key for key in keys if key.name == name]
    if not candidates:
        return False
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    for key in candidates:
        try:
            VerifyKey(key.key).verify(message, data)
        except BadSignatureError:
            continue
        return True
    return False
