"""GNU libunistring."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import gconv_modules

__all__ = ["libunistring"]


libunistring = Package(
    name="libunistring",
    version="1.3",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/libunistring/libunistring-{p.version}.tar.xz",
            f"debian://pool/main/libu/libunistring/libunistring_{p.version}.orig.tar.xz",
        ),
        sha256="f245786c831d25150f3dfb4317cda1acc5e3f79a5da4ad073ddca58886569527",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static"]},
    native_inputs=lambda: [gconv_modules.gconv_modules],  # for the tests
    synopsis="Work with Unicode texts in C",
    description=(
        "GNU libunistring handles texts in UTF-8, UTF-16 and UTF-32: names and properties of characters, "
        "case, normal forms, width on terminals, boundaries of words and lines, regular expressions, and "
        "conversion from and to other encodings."
    ),
    home_page="https://www.gnu.org/software/libunistring/",
    license=(licenses.lgpl3_plus, licenses.gpl2_plus),
)
