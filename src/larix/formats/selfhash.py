"""Hashes of content that holds its own store path.

The path depends on the content and the content on the path, so the content is hashed with its own hash part
(32 digits) replaced by as many zero bytes. What was replaced is hashed too, as `|OFFSET` for each place in
order: else content that has zeros there in the first place would share the path of content that refers to
itself.
"""

from __future__ import annotations

from larix.formats.hashes import Hash, new_hasher
from larix.formats.storepath import HASH_LENGTH, BadStorePath
from larix.words import tr

__all__ = ["SelfReferenceHasher"]

_BLANK = bytes(HASH_LENGTH)


class SelfReferenceHasher:
    """Hashes chunks of any slicing, blind to `own_hash_part`; the result is that of the whole content."""

    __slots__ = ("_algo", "_done", "_hasher", "_part", "_tail", "offsets")

    def __init__(self, own_hash_part: str, algo: str = "sha256") -> None:
        if len(own_hash_part) != HASH_LENGTH or not own_hash_part.isascii():
            raise BadStorePath(
                expected=tr("a hash part of {hash_length} digits", hash_length=HASH_LENGTH),
                found=ascii(own_hash_part),
            )
        self.offsets: list[int] = []
        self._algo = algo
        self._hasher = new_hasher(algo)
        self._part = own_hash_part.encode()
        self._tail = b""  # not hashed yet, as it may be the start of the hash part
        self._done = 0  # how many bytes are hashed

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        data = self._tail + bytes(chunk)
        at = data.find(self._part)
        if at >= 0:
            while at >= 0:
                self.offsets.append(self._done + at)
                at = data.find(self._part, at + HASH_LENGTH)
            data = data.replace(self._part, _BLANK)
        keep = min(len(data), HASH_LENGTH - 1)
        self._hasher.update(data[: len(data) - keep])
        self._done += len(data) - keep
        self._tail = data[len(data) - keep :]

    def finish(self) -> Hash:
        """The hash; nothing may be added behind."""
        self._hasher.update(self._tail + b"".join([b"|%d" % offset for offset in self.offsets]))
        return Hash(self._algo, self._hasher.digest())
