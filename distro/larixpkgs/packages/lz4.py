"""LZ4."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["lz4"]


def make_flags(*, outputs: dict[str, Path]) -> list[str]:
    return ["CC=gcc", f"PREFIX={outputs['out']}", "BUILD_STATIC=no"]


lz4 = Package(
    name="lz4",
    version="1.10.0",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/lz4/lz4/releases/download/v{p.version}/lz4-{p.version}.tar.gz",
            f"debian://pool/main/l/lz4/lz4_{p.version}.orig.tar.gz",
        ),
        sha256="537512904744b35e232912055ccf8ec66d768639ff3abe5788d90d792ec5f48b",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        # The target `check` is upstream's short half of the suite; the other tries data of many gigabytes.
        "phases": standard_phases.delete("configure"),
    },
    synopsis="Compression that hardly takes time",
    description=(
        "LZ4 compresses less than others and is much faster: it restores data at about the speed of "
        "memory. This is the library and the program `lz4` for files in its format."
    ),
    home_page="https://lz4.org/",
    license=(licenses.bsd_2, licenses.gpl2_plus),
)
