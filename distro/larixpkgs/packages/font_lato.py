"""Lato, a font."""

from __future__ import annotations

from larix.buildsystems.copy import copy
from larix.packages import Origin, Package, licenses

__all__ = ["font_lato"]


font_lato = Package(
    name="font-lato",
    version="2.015",
    # Upstream's is a zip file; Debian packed what is in it as a tar file.
    source=lambda p: Origin(
        uri=f"debian://pool/main/f/fonts-lato/fonts-lato_{p.version}.orig.tar.xz",
        sha256="789e1e664a7c369acd896398efa3defbb22e5e1c962837d5d4626cfd629bd703",
    ),
    build_system=copy,
    arguments={
        "install_plan": [("./", "share/fonts/truetype", {"include": [".ttf"]})],
        "license_files": r"^OFL\.txt$",
    },
    synopsis="Sans-serif font in many weights",
    description=(
        "Lato is a family of sans-serif fonts from hairline to black, upright and italic, which cover the "
        "Latin, Greek and Cyrillic scripts. It has round details and looks serious in large and small sizes."
    ),
    home_page="https://www.latofonts.com/",
    license=licenses.ofl1_1,
)
