"""inih."""

from __future__ import annotations

from larix.buildsystems.meson import meson
from larix.packages import Origin, Package, licenses

__all__ = ["inih"]


inih = Package(
    name="inih",
    version="59",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/benhoyt/inih/archive/refs/tags/r{p.version}.tar.gz",
            f"debian://pool/main/libi/libinih/libinih_{p.version}.orig.tar.gz",
        ),
        file_name=f"inih-{p.version}.tar.gz",
        sha256="062279922805f5e9a369551a08d5ddb506140fe50774183ffdbb7c22bb97e3f4",
    ),
    build_system=meson,
    synopsis="Read .INI files from C and C++",
    description=(
        "inih is a small library that reads configuration files with sections, names and values, calling a "
        "function for each, from C or as a class from C++."
    ),
    home_page="https://github.com/benhoyt/inih",
    license=licenses.bsd_3,
)
