"""LZO."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["lzo"]


lzo = Package(
    name="lzo",
    version="2.10",
    source=lambda p: Origin(
        uri=(
            f"https://www.oberhumer.com/opensource/lzo/download/lzo-{p.version}.tar.gz",
            f"debian://pool/main/l/lzo2/lzo2_{p.version}.orig.tar.gz",
        ),
        sha256="c0f892943208266f9b6543b3ae308fab6284c5c90e627931446fb49b4221a072",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--enable-shared", "--disable-static"]},
    synopsis="Compression library that is fast above all",
    description=(
        "LZO compresses blocks of data, and above all unpacks them at nearly the speed of copying, in place "
        "and without memory of its own: for file systems, networks and devices."
    ),
    home_page="https://www.oberhumer.com/opensource/lzo/",
    license=licenses.gpl2_plus,
)
