"""Which store items a stream of bytes refers to.

An item is referred to when the hash part of its path, 32 digits of nix-base32, occurs anywhere; that is Nix's
rule. GCC breaks it at -O2: it copies constant strings through vector registers, in 16-byte pieces of which
the last overlaps the one before, so the 32 digits never stand in one run. Any such cutting leaves at least 16
of the digits together, however the name is aligned. So the rule here is: any 16 successive digits of a hash
part count. By chance that happens once in 2^80 positions.

How it is fast, without a byte ever being looked at by Python code: every run of 16 digits holds 4 successive
positions of every 4th byte, and the 8 bytes at the first of those are 8 successive digits of a hash part.
Every 4th byte is sliced out, translated to "digit or not", and searched for 4 digits in a row; only there are
8 bytes looked up in a table. The time does not depend on the number of candidates.
"""

from __future__ import annotations

from collections.abc import Iterable

from larix.formats.base32 import ALPHABET
from larix.formats.storepath import StorePath, hash_part

__all__ = ["ReferenceScanner", "find_references"]

_LENGTH = 32
_GRAM = 16
_KEY = 8
_STRIDE = 4
_DIGITS = frozenset(ALPHABET.encode("ascii"))
_CLASSES = bytes(ord("x") if byte in _DIGITS else ord(".") for byte in range(256))
_DIGIT_RUN = b"xxxx"
_PIECE = 1024 * 1024


class ReferenceScanner:
    """Feed it chunks of any size; what was found so far is in `found`.

    Memory: a few kilobytes for each candidate. A candidate that was found is not searched for again.
    """

    def __init__(self, candidates: Iterable[StorePath]) -> None:
        self._by_hash: dict[bytes, list[StorePath]] = {}
        for path in candidates:
            self._by_hash.setdefault(hash_part(path).encode("ascii"), []).append(path)
        self.found: set[StorePath] = set()
        self._tail = b""
        self._keys: dict[bytes, list[tuple[bytes, int]]] = {}
        for digits in self._by_hash:
            for start in range(_LENGTH - _KEY + 1):
                self._keys.setdefault(digits[start : start + _KEY], []).append((digits, start))

    def feed(self, chunk: bytes) -> None:
        """Scan the next bytes of the stream; those before are remembered as far as needed."""
        if not self._by_hash:
            return
        # What straddles the boundary is scanned once more in a small piece, so that no chunk is copied.
        edge = self._tail + chunk[: _GRAM - 1]
        if self._tail and len(edge) >= _GRAM:
            self._scan(edge)
        for start in range(0, len(chunk), _PIECE):
            piece = chunk if len(chunk) <= _PIECE else chunk[start : start + _PIECE + _GRAM - 1]
            if not self._by_hash:
                return
            self._scan(piece)
        self._tail = (self._tail + chunk if len(chunk) < _GRAM - 1 else chunk)[1 - _GRAM :]

    def _scan(self, data: bytes) -> None:
        classes = data[::_STRIDE].translate(_CLASSES)
        find = classes.find
        keys = self._keys
        at = find(_DIGIT_RUN)
        while at >= 0:
            position = at * _STRIDE
            entries = keys.get(data[position : position + _KEY])
            if entries is not None:
                for digits, start in list(entries):
                    if _extends(data, position, digits, start):
                        self._found(digits)
            at = find(_DIGIT_RUN, at + 1)

    def _found(self, digits: bytes) -> None:
        paths = self._by_hash.pop(digits, None)
        if paths is None:
            return
        self.found.update(paths)
        for start in range(_LENGTH - _KEY + 1):
            key = digits[start : start + _KEY]
            rest = [entry for entry in self._keys.get(key, ()) if entry[0] != digits]
            if rest:
                self._keys[key] = rest
            else:
                self._keys.pop(key, None)


def _extends(data: bytes, at: int, digits: bytes, start: int) -> bool:
    """Whether `data` at `at` and `digits` at `start`, equal for `_KEY` bytes, are so for `_GRAM` around."""
    first, last = 0, _KEY
    while first > -start and at + first > 0 and data[at + first - 1] == digits[start + first - 1]:
        first -= 1
    while start + last < _LENGTH and at + last < len(data) and data[at + last] == digits[start + last]:
        last += 1
    return last - first >= _GRAM


def find_references(chunks: Iterable[bytes], candidates: Iterable[StorePath]) -> set[StorePath]:
    """Those of `candidates` that a stream refers to."""
    scanner = ReferenceScanner(candidates)
    for chunk in chunks:
        scanner.feed(chunk)
    return scanner.found
