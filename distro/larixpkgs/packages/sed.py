"""GNU sed."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["sed"]


sed = Package(
    name="sed",
    version="4.9",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/sed/sed-{p.version}.tar.xz",
            f"debian://pool/main/s/sed/sed_{p.version}.orig.tar.xz",
        ),
        sha256="6e226b732e1cd739464ad6862bd1a1aba42d7982922da7a53519631d24975181",
    ),
    build_system=gnu,
    synopsis="Stream editor",
    description=(
        "GNU sed changes text as it streams by: it reads line after line, applies the commands of a "
        "script to each, and writes what comes of it. It can also edit files in place."
    ),
    home_page="https://www.gnu.org/software/sed/",
    license=licenses.gpl3_plus,
)
