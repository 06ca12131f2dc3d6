"""Expat, from the source that the release was tagged at: Debian's archive has no other.

The name of the tag has underscores for the dots of the version.
"""

from __future__ import annotations

import os

from larix.buildside.cmake import standard_phases
from larix.buildsystems.cmake import cmake
from larix.packages import Origin, Package, licenses

__all__ = ["expat"]


def enter_expat() -> None:
    """Other projects stand beside it."""
    os.chdir("expat")


expat = Package(
    name="expat",
    version="2.8.3",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/e/expat/expat_{p.version}.orig.tar.gz",),
        sha256="533659a16e0184035a99fd8e783f1ad61a887a7bf8586a8681740b9d7ed42389",
    ),
    build_system=cmake,
    arguments={
        # The manual page of xmlwf is made by tools for DocBook.
        "configure_flags": ["-DEXPAT_BUILD_DOCS=OFF"],
        "phases": standard_phases.add_after("unpack", enter_expat),
    },
    synopsis="Parse XML as it streams by",
    description=(
        "Expat is a library that parses XML piece by piece and calls the program for each element, text and "
        "attribute as it comes. It is small, fast, and guarded against documents made to exhaust it."
    ),
    home_page="https://libexpat.github.io/",
    license=licenses.expat,
)
