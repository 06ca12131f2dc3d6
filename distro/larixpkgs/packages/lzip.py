"""lzip.

Upstream publishes its releases compressed with lzip itself; Debian has the same files compressed with xz.
"""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["lzip"]


lzip = Package(
    name="lzip",
    version="1.25",
    source=lambda p: Origin(
        uri=f"debian://pool/main/l/lzip/lzip_{p.version}.orig.tar.xz",
        sha256="b854b1e83c978485de6a8c3d47299dfca8d86ce771d05a278d5badcc9101e949",
    ),
    build_system=gnu,
    synopsis="Compress files, with integrity in mind",
    description=(
        "lzip compresses about as well as xz, into a format that is simple, checks what it unpacks by three "
        "numbers, and is made so that damaged files can be repaired and archives last."
    ),
    home_page="https://www.nongnu.org/lzip/lzip.html",
    license=licenses.gpl2_plus,
)
