"""XZ Utils, the programs and liblzma."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["xz"]


xz = Package(
    name="xz",
    version="5.8.1",
    source=lambda p: Origin(
        uri=(
            f"https://tukaani.org/xz/xz-{p.version}.tar.xz",
            f"https://github.com/tukaani-project/xz/releases/download/v{p.version}/xz-{p.version}.tar.xz",
            f"debian://pool/main/x/xz-utils/xz-utils_{p.version}.orig.tar.xz",
        ),
        sha256="0b54f79df85912504de0b14aec7971e3f964491af1812d83447005807513cd9e",
    ),
    build_system=gnu,
    synopsis="Compress files with LZMA",
    description=(
        "XZ Utils compress files strongly with the LZMA2 method and restore them fast, in the formats "
        ".xz and .lzma. The library liblzma gives programs the same."
    ),
    home_page="https://tukaani.org/xz/",
    license=(licenses.bsd_0, licenses.lgpl2_1_plus, licenses.gpl2_plus, licenses.gpl3_plus),
)
