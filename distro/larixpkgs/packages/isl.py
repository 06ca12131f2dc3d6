"""isl."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import gmp

__all__ = ["isl"]


isl = Package(
    name="isl",
    version="0.27",
    source=lambda p: Origin(
        uri=(
            f"https://libisl.sourceforge.io/isl-{p.version}.tar.xz",
            f"debian://pool/main/i/isl/isl_{p.version}.orig.tar.xz",
        ),
        sha256="6d8babb59e7b672e8cb7870e874f3f7b813b6e00e6af3f8b04f7579965643d5c",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static"]},
    propagated_inputs=lambda: [gmp.gmp],  # isl/val_gmp.h includes gmp.h
    synopsis="Sets of integer points within affine bounds",
    description=(
        "isl computes with sets and relations of integer points that affine constraints bound: unions, "
        "intersections, projections, closures, optima, dependences and schedules. Compilers reorder nested "
        "loops with it."
    ),
    home_page="https://libisl.sourceforge.io/",
    license=licenses.expat,
)
