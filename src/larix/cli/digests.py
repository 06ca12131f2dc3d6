"""Hash algorithms and spellings of digests, as options of several commands name them."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Collection

from larix.cli import diagnostics
from larix.cli.options import CommandLine, UsageError
from larix.formats import base32
from larix.words import tr

__all__ = ["ALGORITHMS", "FORMATS", "algorithm_of", "format_of"]

ALGORITHMS = frozenset(
    "md5 sha1 sha224 sha256 sha384 sha512 sha3-224 sha3-256 sha3-384 sha3-512".split()  # noqa: SIM905
)


def _base64(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).decode("ascii")


def _rfc_base32(digest: bytes) -> str:
    import base64

    return base64.b32encode(digest).decode("ascii").lower().rstrip("=")


FORMATS: dict[str, Callable[[bytes, str], str]] = {
    "nix-base32": lambda digest, _: base32.encode(digest),
    "base32": lambda digest, _: _rfc_base32(digest),
    "base16": lambda digest, _: digest.hex(),
    "hex": lambda digest, _: digest.hex(),
    "hexadecimal": lambda digest, _: digest.hex(),
    "base64": lambda digest, _: _base64(digest),
    "sri": lambda digest, algorithm: f"{algorithm}-{_base64(digest)}",
}


def algorithm_of(line: CommandLine, known: Collection[str] = ALGORITHMS) -> str:
    """The algorithm of the option `hash`, which is one of `known`."""
    name = line.last("hash") or "sha256"
    if name in known:
        return name
    hint = diagnostics.did_you_mean(name, known) or tr("there are {known}", known=", ".join(sorted(known)))
    raise UsageError(tr("{name}: unknown hash algorithm", name=name), hint=hint)


def format_of(line: CommandLine) -> str:
    """The spelling of the option `format`: a key of `FORMATS`."""
    name = line.last("format") or "nix-base32"
    if name in FORMATS:
        return name
    hint = diagnostics.did_you_mean(name, FORMATS) or tr("there are {formats}", formats=", ".join(FORMATS))
    raise UsageError(tr("unsupported hash format: {name}", name=name), hint=hint)
