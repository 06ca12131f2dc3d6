"""GNU cpio.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import install_file
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["cpio"]


def leave_out_manual() -> None:
    targets = "all check clean distclean install installcheck uninstall"
    Path("doc/Makefile.in").write_text(f"{targets}:\n")


def install_manual_page(*, outputs: dict[str, Path]) -> None:
    install_file("doc/cpio.1", outputs["out"] / "share/man/man1")


cpio = Package(
    name="cpio",
    version="2.13",
    source=lambda p: Origin(
        uri=f"debian://pool/main/c/cpio/cpio_{p.version}+dfsg.orig.tar.bz2",
        sha256="fd1e6fb3c683bf82ae0db237af87376c6a376d1f6bf6564c9b335785e76106a9",
    ),
    build_system=gnu,
    arguments={
        # Two files define one variable, which compilers joined before GCC 10.
        "configure_flags": ["CFLAGS=-O2 -g -fcommon"],
        "phases": standard_phases.add_before("configure", leave_out_manual).add_after(
            "install", install_manual_page
        ),
    },
    synopsis="Copy files into and out of archives",
    description=(
        "cpio writes the files whose names it reads into an archive, or unpacks one, in the formats of cpio "
        "and tar; Linux starts from archives of its kind. It also copies trees."
    ),
    home_page="https://www.gnu.org/software/cpio/",
    license=licenses.gpl3_plus,
)
