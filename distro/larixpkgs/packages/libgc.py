"""The garbage collector of Boehm, Demers and Weiser."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import pkgconf

__all__ = ["libgc"]


libgc = Package(
    name="libgc",
    version="8.2.2",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/ivmai/bdwgc/releases/download/v{p.version}/gc-{p.version}.tar.gz",
            f"debian://pool/main/libg/libgc/libgc_{p.version}.orig.tar.gz",
        ),
        sha256="f30107bcb062e0920a790ffffa56d9512348546859364c23a14be264b38836a0",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-static",
            "--enable-cplusplus",
            "--with-libatomic-ops=none",  # the compiler has all it takes
        ],
    },
    native_inputs=lambda: [pkgconf.pkgconf],
    synopsis="Garbage collector for C and C++",
    description=(
        "Programs that allocate with libgc need not free: it finds what nothing points to any more, by "
        "looking at stacks, registers and data for whatever may be a pointer. Several interpreters manage "
        "their memory with it."
    ),
    home_page="https://www.hboehm.info/gc/",
    license=licenses.x11_style("https://www.hboehm.info/gc/license.txt"),
)
