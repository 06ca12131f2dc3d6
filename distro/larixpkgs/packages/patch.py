"""GNU patch."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["patch"]


patch = Package(
    name="patch",
    version="2.8",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/patch/patch-{p.version}.tar.xz",
            f"debian://pool/main/p/patch/patch_{p.version}.orig.tar.xz",
        ),
        sha256="f87cee69eec2b4fcbf60a396b030ad6aa3415f192aa5f7ee84cad5e11f7f5ae3",
    ),
    build_system=gnu,
    synopsis="Apply differences to files",
    description=(
        "GNU patch takes what diff wrote and makes the same changes to other copies of the files, also "
        "where lines have moved a little or a few do not fit."
    ),
    home_page="https://savannah.gnu.org/projects/patch/",
    license=licenses.gpl3_plus,
)
