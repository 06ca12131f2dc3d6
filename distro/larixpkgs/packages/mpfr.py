"""GNU MPFR."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import gmp

__all__ = ["mpfr"]


mpfr = Package(
    name="mpfr",
    version="4.2.2",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/mpfr/mpfr-{p.version}.tar.xz",
            f"debian://pool/main/m/mpfr4/mpfr4_{p.version}.orig.tar.xz",
        ),
        sha256="b67ba0383ef7e8a8563734e2e889ef5ec3c3b898a01d00fa0a6869ad81c6ce01",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static", "--enable-thread-safe"]},
    propagated_inputs=lambda: [gmp.gmp],  # mpfr.h includes gmp.h
    synopsis="Floating-point numbers of any precision, rounded correctly",
    description=(
        "GNU MPFR calculates with floating-point numbers of a chosen precision. Each result is what the "
        "exact one rounds to, so that it is the same on every machine."
    ),
    home_page="https://www.mpfr.org/",
    license=licenses.lgpl3_plus,
)
