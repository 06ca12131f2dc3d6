"""file."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import bzip2, xz, zlib

__all__ = ["file"]


file = Package(
    name="file",
    version="5.46",
    source=lambda p: Origin(
        uri=(
            f"https://astron.com/pub/file/file-{p.version}.tar.gz",
            f"debian://pool/main/f/file/file_{p.version}.orig.tar.gz",
        ),
        sha256="c9cc77c7c560c543135edc555af609d5619dbef011997e988ce40a3d75d86088",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static", "--disable-libseccomp"]},
    inputs=lambda: [bzip2.bzip2, xz.xz, zlib.zlib],
    synopsis="Tell what kind of file something is",
    description=(
        "file looks into files and tells from their first bytes and typical patterns what they are: "
        "programs, pictures, texts in some language or encoding, archives. The library libmagic does "
        "this for other programs."
    ),
    home_page="https://www.darwinsys.com/file/",
    license=licenses.bsd_2,
)
