"""GNU Diffutils."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["diffutils"]


diffutils = Package(
    name="diffutils",
    version="3.10",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/diffutils/diffutils-{p.version}.tar.xz",
            f"debian://pool/main/d/diffutils/diffutils_{p.version}.orig.tar.xz",
        ),
        sha256="90e5e93cc724e4ebe12ede80df1634063c7a855692685919bfe60b556c9bd09e",
    ),
    build_system=gnu,
    synopsis="Compare files",
    description=(
        "GNU Diffutils tell how files differ: diff shows differing lines in several formats, diff3 and "
        "sdiff help to merge, and cmp compares byte by byte."
    ),
    home_page="https://www.gnu.org/software/diffutils/",
    license=licenses.gpl3_plus,
)
