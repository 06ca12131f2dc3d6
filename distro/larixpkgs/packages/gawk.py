"""GNU awk.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["gawk"]


def leave_out_manual() -> None:
    """Let nothing be made of the manual's source, which is missing, or made of it again.

    The programs that upstream extracts from it are there; to make, they are newer than these stand-ins.
    """
    manual = Path("doc")
    (manual / "Makefile.in").write_text("all check clean distclean info install installcheck uninstall:\n")
    for name in ("gawktexi.in", "gawkinet.texi"):
        (manual / name).touch()
        os.utime(manual / name, (0, 0))


def name_the_shell(*, shell: Path) -> None:
    """Pipes and `system` are its work."""
    substitute("io.c", ('"/bin/sh"', f'"{shell}"'))


def adjust_tests() -> None:
    """One test shows a script whose first line was changed with those of all scripts; three need a locale."""
    substitute("test/watchpoint1.awk", ("^#!.*$", "#! /usr/bin/gawk -f"))
    substitute("test/Makefile.in", (r"(?<=[\t ])(commas|mbstr1|mbstr2)(?= |$)", ""))


gawk = Package(
    name="gawk",
    version="5.2.1",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/g/gawk/gawk_{p.version}.orig.tar.xz",),
        sha256="2337a0283b180ec1b9c727973a34781c6478b3ae9bcbdcca0a4dc49861d75a65",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", leave_out_manual)
        .add_before("configure", name_the_shell)
        .add_before("configure", adjust_tests),
    },
    synopsis="Process text by pattern and action",
    description=(
        "GNU awk runs programs of the awk language: each names patterns and what to do with the lines "
        "that match them. It splits lines into fields, calculates, formats reports, and reaches files, "
        "commands and the network."
    ),
    home_page="https://www.gnu.org/software/gawk/",
    license=licenses.gpl3_plus,
)
