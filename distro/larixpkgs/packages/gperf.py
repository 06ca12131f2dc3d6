"""GNU gperf."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["gperf"]


gperf = Package(
    name="gperf",
    version="3.2.1",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/gperf/gperf-{p.version}.tar.gz",
            f"debian://pool/main/g/gperf/gperf_{p.version}.orig.tar.gz",
        ),
        sha256="ed5ad317858e0a9badbbada70df40194002e16e8834ac24491307c88f96f9702",
    ),
    build_system=gnu,
    arguments={"parallel_tests": False},  # tests write files of the same names
    synopsis="Make perfect hash functions",
    description=(
        "GNU gperf takes a fixed set of words and writes a function in C or C++ that tells with one "
        "comparison whether a text is among them, and which."
    ),
    home_page="https://www.gnu.org/software/gperf/",
    license=licenses.gpl3_plus,
)
