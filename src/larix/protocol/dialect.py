"""What the two ends of a connection speak: Nix's worker protocol of some version, or Guix's.

Both begin alike. The client says a magic number, the server another one and its version, the client its own:

    version  = 0x100 | minor        Nix: minor below 0x60; Guix: 0x60 and above

A client of Nix speaks the lower of the two versions; one of Guix takes what it was told for a daemon of Guix.
So a server announces what the clients of its socket expect, and goes by what the client says of itself.

From Nix's 1.38 on each side names the features it knows beyond the version; what both know is spoken. The one
that larix adds are batches: what a whole graph of derivations consists of in one request, what is there of it
in one reply, or the records of a closure; and events of builds as they are.

A larix that is told Guix's version cannot know whether Guix or another larix told it. It answers with that
version and `ASKS_FOR_LARIX` in it. A daemon of Guix looks at the lower 16 bits only, and the greeting goes
on; one of larix then announces Nix's version, and the client's follows again, as to a daemon of Nix.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from larix.errors import LarixError
from larix.formats.storepath import StoreDir
from larix.words import tr

__all__ = [
    "ASKS_FOR_LARIX",
    "BATCH",
    "CLIENT_MAGIC",
    "FEATURES",
    "FIRST_OF_GUIX",
    "GUIX_VERSION",
    "NIX_VERSION",
    "OLDEST_NIX",
    "SERVER_MAGIC",
    "Dialect",
    "UnknownVersion",
    "dialect_of",
    "version_text",
]

CLIENT_MAGIC = 0x6E697863
SERVER_MAGIC = 0x6478696F

NIX_VERSION = 0x126  # 1.38, the newest that is spoken here
OLDEST_NIX = 0x10A
GUIX_VERSION = 0x163
FIRST_OF_GUIX = 0x160
_OLDEST_GUIX = 0x163
ASKS_FOR_LARIX = 1 << 16

BATCH = "larix-batches-2"
FEATURES = frozenset({BATCH})


class UnknownVersion(LarixError):
    """The other end speaks a version that is not spoken here."""


class Dialect(NamedTuple):
    """`minor` is that of the version; `features` are those that both ends know."""

    store_dir: StoreDir
    kind: Literal["nix", "guix"]
    minor: int
    features: frozenset[str] = frozenset()

    @property
    def is_guix(self) -> bool:
        return self.kind == "guix"

    def __str__(self) -> str:
        return f"{'Guix' if self.is_guix else 'Nix'} {version_text(0x100 | self.minor)}"


def version_text(version: int) -> str:
    """As Guix or Nix writes it."""
    if FIRST_OF_GUIX <= version < 0x200:
        return hex(version)
    return f"{version >> 8}.{version & 0xFF}"


def dialect_of(store_dir: StoreDir, announced: int, client: int) -> Dialect:
    """What a server speaks that `announced` a version to a client of version `client`.

    Raises UnknownVersion where there is nothing that both know.
    """
    if client >> 8 != 1:
        raise UnknownVersion(
            tr("the client speaks version {client} of the protocol, not 1.x", client=version_text(client))
        )
    if client >= FIRST_OF_GUIX:
        if client < _OLDEST_GUIX:
            raise UnknownVersion(
                tr(
                    "the client speaks version {client}, older than {oldest}",
                    client=version_text(client),
                    oldest=version_text(_OLDEST_GUIX),
                ),
                hint=tr("use the client of Guix 1.2 or newer"),
            )
        return Dialect(store_dir, "guix", GUIX_VERSION & 0xFF)
    spoken = min(announced, client)
    if spoken > NIX_VERSION:
        raise UnknownVersion(
            tr(
                "the client speaks version {client}, newer than {newest}: this socket announces that of Guix",
                client=version_text(client),
                newest=version_text(NIX_VERSION),
            ),
            hint=tr("let the client of Nix use the socket that is for Nix"),
        )
    if spoken < OLDEST_NIX:
        raise UnknownVersion(
            tr(
                "the client speaks version {client}, older than {oldest}",
                client=version_text(client),
                oldest=version_text(OLDEST_NIX),
            ),
            hint=tr("use the client of Nix 1.2 or newer"),
        )
    return Dialect(store_dir, "nix", spoken & 0xFF)
