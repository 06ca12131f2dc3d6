"""flex."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import bison, m4

__all__ = ["flex"]


flex = Package(
    name="flex",
    version="2.6.4",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/westes/flex/releases/download/v{p.version}/flex-{p.version}.tar.gz",
            f"debian://pool/main/f/flex/flex_{p.version}.orig.tar.gz",
        ),
        sha256="e87aae032bf07c26f85ac0ed3250998c37621d95f8bd748b31f15b33c45ee995",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-static",
            # The test for it asks for a prototype that glibc shows to those who define _GNU_SOURCE.
            "ac_cv_func_reallocarray=no",
        ],
    },
    native_inputs=lambda: [bison.bison],
    inputs=lambda: [m4.m4],
    synopsis="Make scanners that find patterns in text",
    description=(
        "flex turns a list of regular expressions, each with a piece of C or C++, into a scanner: a function "
        "that finds in its input what matches, and runs the code. Parsers made by Bison get their words from "
        "such functions."
    ),
    home_page="https://github.com/westes/flex",
    license=licenses.bsd_3,
)
