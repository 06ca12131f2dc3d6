"""Zstandard.

Debian's source is the release without the files for building on Windows and for upstream's services. Its
bytes are not those of the release.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import lz4, xz, zlib

__all__ = ["zstd"]


def make_flags(*, outputs: dict[str, Path]) -> list[str]:
    return ["CC=gcc", f"PREFIX={outputs['out']}"]


def do_not_describe_the_program() -> None:
    """The tests tell with `file` what was built, which proves nothing."""
    substitute("tests/Makefile", (r"^\tfile \$\(ZSTD\)\n", ""))


zstd = Package(
    name="zstd",
    version="1.5.7",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/libz/libzstd/libzstd_{p.version}+dfsg.orig.tar.xz",),
        sha256="0c092ef267edce57ba7f3f2645c861f72eaf5e76273c6c3632869423464b90a5",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        # The target `check` drives the program in all its ways; `test` adds hours of random data.
        "phases": standard_phases.delete("configure").add_before("check", do_not_describe_the_program),
    },
    inputs=lambda: [lz4.lz4, xz.xz, zlib.zlib],
    synopsis="Fast compression with a wide choice of ratios",
    description=(
        "Zstandard compresses about as well as zlib and much faster, or much better and as fast; it "
        "restores at the same high speed whatever the level. It can learn a dictionary for many small "
        "pieces of data. This is the library and the program `zstd`, which also reads other formats."
    ),
    home_page="https://facebook.github.io/zstd/",
    license=(licenses.bsd_3, licenses.gpl2),
    # Only some loops are there for newer processors, too: compiled for x86-64-v3 as a whole, it compresses at
    # level 9 in 87% of the time.
    properties={"tunable": True},
)
