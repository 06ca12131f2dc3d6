"""less, the pager."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ncurses, perl

__all__ = ["less"]


less = Package(
    name="less",
    version="668",
    source=lambda p: Origin(
        uri=(
            f"https://www.greenwoodsoftware.com/less/less-{p.version}.tar.gz",
            f"debian://pool/main/l/less/less_{p.version}.orig.tar.gz",
        ),
        sha256="2819f55564d86d542abbecafd82ff61e819a3eec967faa36cd3e68f1596a44b8",
    ),
    build_system=gnu,
    native_inputs=lambda: [perl.perl],  # for the tests
    inputs=lambda: [ncurses.ncurses],
    synopsis="Page through text",
    description=(
        "less shows text a screen at a time, forwards and backwards, without reading all of it first. It "
        "searches, follows growing files, and understands much of what terminals can show."
    ),
    home_page="https://www.greenwoodsoftware.com/less/",
    license=(licenses.gpl3_plus, licenses.bsd_2),
)
