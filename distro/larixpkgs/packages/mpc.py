"""GNU MPC."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import mpfr

__all__ = ["mpc"]


mpc = Package(
    name="mpc",
    version="1.3.1",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/mpc/mpc-{p.version}.tar.gz",
            f"debian://pool/main/m/mpclib3/mpclib3_{p.version}.orig.tar.gz",
        ),
        sha256="ab642492f5cf882b74aa0cb730cd410a81edcdbec895183ce930e706c1c759b8",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static"]},
    propagated_inputs=lambda: [mpfr.mpfr],  # mpc.h includes mpfr.h
    synopsis="Complex numbers of any precision, rounded correctly",
    description=(
        "GNU MPC calculates with complex numbers of a chosen precision, and rounds both parts of each "
        "result correctly. It stands on MPFR as that does on GMP."
    ),
    home_page="https://www.multiprecision.org/mpc/",
    license=licenses.lgpl3_plus,
)
