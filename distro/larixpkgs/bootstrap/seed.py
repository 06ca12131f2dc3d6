"""The seed as three kinds of derivations: packages downloaded, unpacked into one tree, relocated.

No program of the machine has a part in it: the first two are the builder's own work, and the third is done by
the unpacked tree itself, through its own dynamic loader.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, NamedTuple

from larix.derivation import derivation, text_source
from larix.errors import LarixError, Location
from larix.packages.origin import Origin
from larix.staging.lower import Item
from larixpkgs.bootstrap import relocate

if TYPE_CHECKING:
    from larix.derivation import Lowered
    from larix.staging.lower import Lowering

__all__ = ["SKIPPED", "DebianPackage", "Seed", "SeedError", "debian_packages", "read_list", "seed"]

SYSTEM = "x86_64-linux"

# What the packages bring that no build reads: documentation, and the business of a Debian system.
SKIPPED = (
    "etc",
    "var",
    *(
        f"usr/share/{name}"
        for name in (
            *(
                "applications",
                "bash-completion",
                "binfmts",
                "bug",
                "debhelper",
                "doc",
                "doc-base",
                "gcc",
                "gdb",
            ),
            *("info", "lintian", "locale", "man", "menu", "perl5", "pixmaps", "python3", "readline"),
        )
    ),
)


class SeedError(LarixError):
    """The seed is asked for what it cannot do, or its list of packages is damaged."""


class DebianPackage(NamedTuple):
    """A file of Debian's archive: its name there, which starts with `pool/`, and the SHA-256 of its bytes."""

    pool_name: str
    digest: bytes

    @property
    def origin(self) -> Origin:
        return Origin(uri=f"debian://{self.pool_name}", sha256=self.digest)


@functools.cache
def debian_packages() -> tuple[DebianPackage, ...]:
    """Read the list of what the seed is made of."""
    return read_list(os.path.join(os.path.dirname(__file__), "debian-packages.tsv"))


def read_list(file: str) -> tuple[DebianPackage, ...]:
    """Read a list of packages, a line each: its name in the pool and its SHA-256. `#` begins a comment."""
    with open(file, encoding="ascii") as lines:
        return tuple(
            _read_line(line, Location(file, number))
            for number, line in enumerate(lines, 1)
            if not line.startswith("#")
        )


def _read_line(line: str, place: Location) -> DebianPackage:
    match line.split():
        case [name, digest] if name.startswith("pool/") and len(digest) == 64:
            return DebianPackage(name, bytes.fromhex(digest))
        case _:
            raise SeedError("expected a name in the pool and a SHA-256", place=place)


class Seed:
    """Compiler, C library, shell, utilities and Python in one store item.

    It is relocated Debian for x86-64; other systems have none so far.
    """

    name = "seed"

    def __lower__(self, lowering: Lowering) -> Item:
        lowering = lowering.variant(target=None)
        if lowering.system != SYSTEM:
            raise SeedError(
                f"the toolchain `seed` is for {SYSTEM} alone, not for {lowering.system}",
                hint="build on a machine of that kind",
            )
        relocated = _relocated(lowering, _unpacked(lowering))
        return Item(relocated.output_path(), relocated, "out")


def _unpacked(lowering: Lowering) -> Lowered:
    packages = [package.origin.download(lowering) for package in debian_packages()]
    return derivation(
        "debian-packages",
        store_dir=lowering.store_dir,
        system=lowering.system,
        builder="builtin:unpack-debs",
        env={"debs": " ".join(each.output_path() for each in packages), "skip": " ".join(SKIPPED)},
        inputs=[(each, ("out",)) for each in packages],
    )


def _relocated(lowering: Lowering, unpacked: Lowered) -> Lowered:
    tree = unpacked.output_path()
    with open(relocate.__file__, "rb") as file:
        script = text_source(lowering.store_dir, "relocate.py", file.read())
    loader, *arguments = relocate.run_from(tree, "python3.11")
    return derivation(
        "seed",
        store_dir=lowering.store_dir,
        system=lowering.system,
        builder=loader,
        args=[*arguments, "-I", "-B", script.path, tree],
        env={"disallowedReferences": tree},
        inputs=[(unpacked, ("out",))],
        sources=[script],
    )


seed = Seed()
