"""popt.

Debian's source is the release without a document whose licence it does not accept.
"""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["popt"]


popt = Package(
    name="popt",
    version="1.19",
    source=lambda p: Origin(
        uri=f"debian://pool/main/p/popt/popt_{p.version}+dfsg.orig.tar.xz",
        sha256="4cd0cd2963d0c4078f65949599d97135c15ee6c09cf3a36a9a1b2753025bb06b",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static"]},
    synopsis="Library that reads command lines",
    description=(
        "popt reads the options of a command line into a program's variables, from tables that say what "
        "there is, prints the help that follows from them, and lets users define their own aliases."
    ),
    home_page="https://github.com/rpm-software-management/popt",
    license=licenses.x11,
)
