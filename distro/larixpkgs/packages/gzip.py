"""GNU gzip."""

from __future__ import annotations

import os

from larix.buildside.files import mkdir_p, substitute, which
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["gzip"]


def let_scripts_name_the_shell() -> None:
    """The makefile edits `/bin/sh` wherever scripts hold it, and by now they name a file that ends so."""
    substitute("Makefile.in", (r"'s\|/bin/sh\|\$\(SHELL\)\|g'", "'1s|^#!.*|#!$(SHELL)|'"))


def provide_pager() -> None:
    """A test runs `zmore`, for which any program called `more` will do."""
    tools = mkdir_p("test-tools")
    (tools / "more").symlink_to(which("cat") or "cat")
    os.environ["PATH"] += f":{tools.absolute()}"


gzip = Package(
    name="gzip",
    version="1.13",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/gzip/gzip-{p.version}.tar.xz",
            f"debian://pool/main/g/gzip/gzip_{p.version}.orig.tar.xz",
        ),
        sha256="7454eb6935db17c6655576c2e1b0fabefd38b4d0936e0f87f48cd062ce91a057",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", let_scripts_name_the_shell).add_before(
            "check", provide_pager
        )
    },
    synopsis="Compress files",
    description=(
        "GNU gzip compresses files with the Lempel-Ziv method and restores them. With it come scripts "
        "that search, compare and page through compressed files: zgrep, zdiff, zless and others."
    ),
    home_page="https://www.gnu.org/software/gzip/",
    license=licenses.gpl3_plus,
)
