"""GNU dbm."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import readline

__all__ = ["gdbm"]


gdbm = Package(
    name="gdbm",
    version="1.24",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/gdbm/gdbm-{p.version}.tar.gz",
            f"debian://pool/main/g/gdbm/gdbm_{p.version}.orig.tar.gz",
        ),
        sha256="695e9827fdf763513f133910bc7e6cfdb9187943a4fec943e57449723d2b8dbf",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--enable-libgdbm-compat", "--disable-static"]},
    inputs=lambda: [readline.readline],
    synopsis="Database of keys and values in a file",
    description=(
        "GNU dbm is a library that keeps keys and their values in one file, finds them fast, and survives "
        "crashes when told to. It comes with tools to look at, dump and load such files, and stands in for "
        "the older dbm and ndbm."
    ),
    home_page="https://www.gnu.org.ua/software/gdbm/",
    license=licenses.gpl3_plus,
)
