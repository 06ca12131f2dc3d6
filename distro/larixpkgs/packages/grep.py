"""GNU grep."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["grep"]


grep = Package(
    name="grep",
    version="3.11",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/grep/grep-{p.version}.tar.xz",
            f"debian://pool/main/g/grep/grep_{p.version}.orig.tar.xz",
        ),
        sha256="1db2aedde89d0dea42b16d9528f894c8d15dae4e190b59aecc78f5a951276eab",
    ),
    build_system=gnu,
    synopsis="Search text for patterns",
    description=(
        "GNU grep prints the lines of its input that match a regular expression, basic or extended, or "
        "that hold one of a list of fixed strings. It searches files, whole trees, or what it is piped."
    ),
    home_page="https://www.gnu.org/software/grep/",
    license=licenses.gpl3_plus,
)
