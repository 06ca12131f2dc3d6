"""GMP.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

from larix.buildside.files import mkdir_p
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import m4

__all__ = ["gmp"]


def leave_out_manual() -> None:
    manual = mkdir_p("doc") / "Makefile.in"
    manual.write_text("all check clean distclean info install installcheck uninstall:\n")


gmp = Package(
    name="gmp",
    version="6.3.0",
    source=lambda p: Origin(
        uri=f"debian://pool/main/g/gmp/gmp_{p.version}+dfsg.orig.tar.xz",
        sha256="bd2966e6d277f79328e894a5a9f3ba3fbf2ed2be81def5f48623e30c23fb1572",
    ),
    build_system=gnu,
    arguments={
        # With --build as given it is for any x86-64; which functions are for what processor, programs that
        # were built with --enable-fat would find out when they run, at the price of twice the time.
        "configure_flags": ["--enable-cxx", "--disable-static"],
        "phases": standard_phases.add_before("configure", leave_out_manual),
    },
    native_inputs=lambda: [m4.m4],
    synopsis="Calculate with numbers of any size",
    description=(
        "GMP adds, multiplies, divides and does much more with integers, fractions and floating-point "
        "numbers that are as long as memory permits, and is made to be fast, with parts in assembler."
    ),
    home_page="https://gmplib.org/",
    license=(licenses.lgpl3_plus, licenses.gpl2_plus),
)
