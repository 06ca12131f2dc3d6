"""The little of OpenPGP that is needed to keep a keyring: what a key is, and which fingerprints it has.

A key as it is passed around is a sequence of packets that begins with the primary key; subkeys follow it. A
packet is a tag, a length and a body, in one of two spellings (RFC 4880, section 4.2). The fingerprint of a
key of version 4 is the SHA-1 of 0x99, the length of the body in two bytes, and the body (section 12.2). A
keyring of the classic kind is keys one after the other.

Nothing here verifies anything: that is the business of `gpgv`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BadKey", "binary_of", "fingerprints", "is_signature"]

_ARMOR = re.compile(
    rb"-----BEGIN PGP (?P<kind>[A-Z ]+)-----[ \t]*\r?\n(?:[^\r\n]+\r?\n)*?[ \t]*\r?\n"
    rb"(?P<text>[A-Za-z0-9+/=\s]+?)\s*(?:=[A-Za-z0-9+/]{4}\s*)?-----END PGP (?P=kind)-----"
)
_SIGNATURE, _PUBLIC_KEY, _PUBLIC_SUBKEY = 2, 6, 14
_LONGEST = 1 << 24


class BadKey(LarixError):
    """Bytes that are no public key of OpenPGP."""


def binary_of(data: bytes) -> bytes:
    """The packets themselves, where they may come as text. Raises BadKey."""
    match = _ARMOR.search(data)
    if match is None:
        return data
    try:
        return base64.b64decode(b"".join(match["text"].split()), validate=True)
    except binascii.Error as error:
        raise BadKey(tr("the text of a key is damaged")) from error


def is_signature(data: bytes) -> bool:
    """Whether this looks like a signature beside a file, and not like a page that says there is none."""
    if b"-----BEGIN PGP SIGNATURE-----" in data[:4096]:
        return True
    try:
        return next(_packets(data), (0, b""))[0] == _SIGNATURE
    except BadKey:
        return False


def fingerprints(key: bytes) -> list[str]:
    """Of the primary key and its subkeys, in hexadecimal capitals. Raises BadKey."""
    found: list[str] = []
    for number, (tag, body) in enumerate(_packets(key)):
        if number == 0 and tag != _PUBLIC_KEY:
            raise BadKey(tr("what came is no public key of OpenPGP"))
        if tag == _PUBLIC_KEY and number > 0:
            break  # that is another key
        if tag in {_PUBLIC_KEY, _PUBLIC_SUBKEY} and body[:1] == b"\4":
            hashed = b"\x99" + len(body).to_bytes(2, "big") + body
            found.append(hashlib.sha1(hashed, usedforsecurity=False).hexdigest().upper())
    if not found:
        raise BadKey(tr("what came holds no public key of OpenPGP's version 4"))
    return found


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        first = data[position]
        if not first & 0x80:
            raise BadKey(tr("what came is not OpenPGP"))
        if first & 0x40:
            tag = first & 0x3F
            size, start = _new_length(data, position + 1)
        else:
            tag = first >> 2 & 0x0F
            width = 1 << (first & 3)
            start = position + 1 + width
            if width == 8:
                raise BadKey(tr("a packet of OpenPGP has no length"))
            size = int.from_bytes(data[position + 1 : start], "big")
        if size > _LONGEST or start + size > len(data):
            raise BadKey(tr("a packet of OpenPGP is cut short"))
        yield tag, data[start : start + size]
        position = start + size


def _new_length(data: bytes, position: int) -> tuple[int, int]:
    """The length of a body and where that begins."""
    head = data[position : position + 5]
    if not head:
        raise BadKey(tr("a packet of OpenPGP is cut short"))
    if head[0] < 192:
        return head[0], position + 1
    if head[0] < 224 and len(head) > 1:
        return (head[0] - 192 << 8) + head[1] + 192, position + 2
    if head[0] == 255 and len(head) == 5:
        return int.from_bytes(head[1:], "big"), position + 5
    raise BadKey(tr("a packet of OpenPGP has no length"))
