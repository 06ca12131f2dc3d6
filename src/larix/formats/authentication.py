"""Keys, signatures and access lists of Guix: libgcrypt's, as s-expressions.

    key        = (public-key (ecc (curve Ed25519) (q POINT)))           ECDSA over that curve
               | (public-key (rsa (n MODULUS) (e EXPONENT)))
    signature  = (signature (data (flags rfc6979|pkcs1) (hash sha256 DIGEST)) (sig-val ...) key)
    acl        = (acl (entry key (tag (guix import))) ...)

Keys made here are of the first kind, the one that Guix makes; those of the second are checked, not made.
The curve is that of ed25519, the signatures on it are ECDSA and not EdDSA: with z the leading 253 bits of the
digest, k from RFC 6979, r the x of kG and s = (z + rd) / k. The arithmetic with d and k is libsodium's,
which takes the same time for all numbers.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from larix.formats.errors import FormatError
from larix.formats.sexp import BadSexp, Sexp, find, parse_sexp, print_sexp
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "BadSignature",
    "Key",
    "KeyPair",
    "new_key_pair",
    "parse_acl",
    "parse_key",
    "parse_pair",
    "print_acl",
    "sign",
    "signed_by",
]

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_BITS = 253
_ROOT = pow(2, (_P - 1) // 4, _P)
_D = -121665 * pow(121666, -1, _P) % _P
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_IMPORT: Sexp = (b"guix", b"import")


class BadSignature(FormatError):
    noun = mark("signature")


class Key(NamedTuple):
    """A public key, as it stands in files."""

    sexp: tuple[Sexp, ...]

    def __bytes__(self) -> bytes:
        return print_sexp(self.sexp)


class KeyPair(NamedTuple):
    public: Key
    secret: bytes  # the number d, little-endian

    def __bytes__(self) -> bytes:
        """What is kept in the file of the secret key."""
        number = _signed(int.from_bytes(self.secret, "little"))
        return print_sexp((b"private-key", (b"ecc", *_ecc(self.public), (b"d", number))))


def _signed(number: int) -> bytes:
    """As libgcrypt writes the numbers of keys: a zero in front of a leading bit."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _unsigned(number: int) -> bytes:
    """As it writes those of signatures."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _ecc(key: Key) -> tuple[Sexp, ...]:
    found = find(key.sexp, b"ecc")
    return found[1:] if found else ()


def _value(sexp: Sexp, name: bytes) -> bytes:
    """The one value in a list of that name. Raises BadSignature."""
    found = find(sexp, name)
    if found is None or len(found) != 2 or not isinstance(found[1], bytes):
        raise BadSignature(expected=f"({name.decode()} ...)", found=tr("something else"))
    return found[1]


def _point_of(key: Key) -> bytes | None:
    """The point of a key over the curve; None for one of RSA. Raises BadSignature for any other."""
    if find(key.sexp, b"rsa") is not None:
        for name in (b"n", b"e"):
            _value(key.sexp, name)
        return None
    point = _value(key.sexp, b"q")
    if _value(key.sexp, b"curve") != b"Ed25519" or len(point) != 32 or find(key.sexp, b"flags") is not None:
        raise BadSignature(expected=tr("a key of RSA, or one over Ed25519"), found=tr("another one"))
    return point


def parse_key(data: bytes) -> Key:
    """Raises BadSignature."""
    try:
        sexp = parse_sexp(data)
    except BadSexp as error:
        raise BadSignature(expected=tr("a public key"), found=error.message) from error
    if isinstance(sexp, bytes) or not sexp or sexp[0] != b"public-key":
        raise BadSignature(expected=tr("a public key"), found=tr("something else"))
    key = Key(sexp)
    _point_of(key)
    return key


def parse_pair(data: bytes) -> KeyPair:
    """Raises BadSignature, which never shows what was read."""
    try:
        sexp = parse_sexp(data)
    except BadSexp:
        sexp = b""
    found = find(sexp, b"private-key")
    if found is None:
        raise BadSignature(expected=tr("a private key"), found=tr("something else"))
    number = int.from_bytes(_value(found, b"d"), "big") % _ORDER  # libgcrypt does not reduce it
    public = Key((b"public-key", (b"ecc", (b"curve", b"Ed25519"), (b"q", _value(found, b"q")))))
    if not number or _value(found, b"curve") != b"Ed25519":
        raise BadSignature(expected=tr("a private key over Ed25519"), found=tr("another one"))
    return KeyPair(public, number.to_bytes(32, "little"))


def new_key_pair(random: Callable[[int], bytes]) -> KeyPair:
    """`random(size)` gives so many unpredictable bytes."""
    from nacl.bindings import crypto_core_ed25519_scalar_reduce, crypto_scalarmult_ed25519_base_noclamp

    secret = crypto_core_ed25519_scalar_reduce(random(64))
    point = crypto_scalarmult_ed25519_base_noclamp(secret)
    return KeyPair(Key((b"public-key", (b"ecc", (b"curve", b"Ed25519"), (b"q", point)))), secret)


def parse_acl(data: bytes) -> tuple[Key, ...]:
    """The keys that may sign what is imported. Raises BadSignature."""
    try:
        sexp = parse_sexp(data)
    except BadSexp as error:
        raise BadSignature(expected=tr("an access list"), found=error.message) from error
    if isinstance(sexp, bytes) or not sexp or sexp[0] != b"acl":
        raise BadSignature(expected=tr("an access list"), found=tr("something else"))
    keys: list[Key] = []
    for entry in sexp[1:]:
        key, tag = find(entry, b"public-key"), find(entry, b"tag")
        if isinstance(entry, bytes) or entry[:1] != (b"entry",) or key is None or tag is None:
            raise BadSignature(expected=tr("an entry with a key and a tag"), found=tr("something else"))
        if tag[1:] == (_IMPORT,):
            keys.append(Key(key))
    return tuple(keys)


def print_acl(keys: Iterable[Key]) -> bytes:
    return print_sexp((b"acl", *[(b"entry", key.sexp, (b"tag", _IMPORT)) for key in keys]))


def _truncated(digest: bytes) -> int:
    return int.from_bytes(digest, "big") >> (8 * len(digest) - _BITS)


def _nonce(secret: bytes, digest: bytes) -> bytes:
    """RFC 6979, with SHA-256: the same for the same key and digest, and unpredictable."""
    number = secret[::-1] + (_truncated(digest) % _ORDER).to_bytes(32, "big")
    value, key = b"\1" * 32, bytes(32)
    for mark_ in (b"\0", b"\1"):
        key = hmac.digest(key, value + mark_ + number, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        found = int.from_bytes(value, "big") >> (256 - _BITS)
        if 0 < found < _ORDER:
            return found.to_bytes(32, "little")
        key = hmac.digest(key, value + b"\0", "sha256")
        value = hmac.digest(key, value, "sha256")


def _x_of(point: bytes) -> int | None:
    """The x of a point in its short form; None for what is none."""
    number = int.from_bytes(point, "little")
    y, sign_bit = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if y >= _P or (x * x - square) % _P or (x == 0 and sign_bit):
        return None
    return _P - x if x & 1 != sign_bit else x


def sign(pair: KeyPair, digest: bytes) -> bytes:
    """The signature over a SHA-256 digest."""
    from nacl import bindings as sodium

    nonce = _nonce(pair.secret, digest)
    x = _x_of(sodium.crypto_scalarmult_ed25519_base_noclamp(nonce))
    r = (x or 0) % _ORDER
    z = (_truncated(digest) % _ORDER).to_bytes(32, "little")
    product = sodium.crypto_core_ed25519_scalar_mul(r.to_bytes(32, "little"), pair.secret)
    total = sodium.crypto_core_ed25519_scalar_add(product, z)
    s = sodium.crypto_core_ed25519_scalar_mul(_inverse(nonce), total)
    values = (b"ecdsa", (b"r", _unsigned(r)), (b"s", _unsigned(int.from_bytes(s, "little"))))
    data = (b"data", (b"flags", b"rfc6979"), (b"hash", b"sha256", digest))
    return print_sexp((b"signature", data, (b"sig-val", values), pair.public.sexp))


def _inverse(scalar: bytes) -> bytes:
    from nacl import bindings as sodium

    return sodium.crypto_core_ed25519_scalar_invert(scalar)


def signed_by(signature: bytes, digest: bytes) -> Key:
    """The key that made a signature over `digest`; who trusts it is another question. Raises BadSignature."""
    try:
        sexp = parse_sexp(signature)
    except BadSexp as error:
        raise BadSignature(expected=tr("a signature"), found=error.message) from error
    data, values, public = (find(sexp, name) for name in (b"data", b"sig-val", b"public-key"))
    if isinstance(sexp, bytes) or sexp[:1] != (b"signature",) or None in {data, values, public}:
        raise BadSignature(expected=tr("a signature"), found=tr("something else"))
    if data is None or values is None or public is None:
        raise BadSignature(expected=tr("a signature"), found=tr("something else"))
    key = Key(public)
    if find(data, b"hash") != (b"hash", b"sha256", digest):
        raise BadSignature(expected=tr("one over what came"), found=tr("one over something else"))
    point = _point_of(key)
    good = _is_rsa(key, values, digest) if point is None else _is_ecdsa(point, values, digest)
    if not good:
        raise BadSignature(expected=tr("one by the key it names"), found=tr("another one"))
    return key


def _is_rsa(key: Key, values: Sexp, digest: bytes) -> bool:
    """PKCS#1 v1.5: everything of the padding is compared, as it can only be."""
    modulus, exponent = (int.from_bytes(_value(key.sexp, name), "big") for name in (b"n", b"e"))
    signature = int.from_bytes(_value(values, b"s"), "big")
    size = (modulus.bit_length() + 7) // 8
    filling = size - 3 - len(_SHA256_INFO) - len(digest)
    if filling < 8 or not 0 < signature < modulus or modulus.bit_length() > 1 << 14 or exponent >= 1 << 64:
        return False
    expected = b"\0\1" + b"\xff" * filling + b"\0" + _SHA256_INFO + digest
    return pow(signature, exponent, modulus).to_bytes(size, "big") == expected


def _is_ecdsa(point: bytes, values: Sexp, digest: bytes) -> bool:
    from nacl import bindings as sodium
    from nacl.exceptions import RuntimeError as SodiumError

    r, s = (int.from_bytes(_value(values, name), "big") for name in (b"r", b"s"))
    if not (0 < r < _ORDER and 0 < s < _ORDER) or not sodium.crypto_core_ed25519_is_valid_point(point):
        return False
    inverse = pow(s, -1, _ORDER)
    own, other = _truncated(digest) * inverse % _ORDER, r * inverse % _ORDER
    try:
        found = sodium.crypto_scalarmult_ed25519_noclamp(other.to_bytes(32, "little"), point)
        if own:
            base = sodium.crypto_scalarmult_ed25519_base_noclamp(own.to_bytes(32, "little"))
            found = sodium.crypto_core_ed25519_add(found, base)
    except SodiumError:  # a sum or a product that is no point of the group
        return False
    x = _x_of(found)
    return x is not None and x % _ORDER == r
