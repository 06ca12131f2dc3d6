"""GSL.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import find_files, install_file
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["gsl"]


def leave_out_manual() -> None:
    targets = "all check clean distclean install installcheck uninstall"
    Path("doc/Makefile.in").write_text(f"{targets}:\n")


def install_manual_pages(*, outputs: dict[str, Path]) -> None:
    for page in find_files("doc", r"^gsl.*\.[13]$"):
        install_file(page, outputs["out"] / f"share/man/man{page.suffix[1:]}")


gsl = Package(
    name="gsl",
    version="2.8",
    source=lambda p: Origin(
        uri=f"debian://pool/main/g/gsl/gsl_{p.version}+dfsg.orig.tar.gz",
        sha256="69614b7005133a2d3a75827044164de98670568382e3192888a3185578451a70",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--disable-static"],
        "phases": standard_phases.add_before("configure", leave_out_manual).add_after(
            "install", install_manual_pages
        ),
    },
    outputs=("out", "debug"),
    synopsis="Numerical library for C",
    description=(
        "GSL has routines for more than a thousand tasks of numerical mathematics: special functions, linear "
        "algebra, random numbers and their distributions, statistics, integration, interpolation, roots, "
        "minima, least squares, Fourier and wavelet transforms, differential equations."
    ),
    home_page="https://www.gnu.org/software/gsl/",
    license=licenses.gpl3_plus,
)
