"""GNU tar.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["tar"]


def name_the_shell(*, shell: Path) -> None:
    """It starts compressors and other helpers."""
    substitute("src/system.c", ('"/bin/sh"', f'"{shell}"'))


def run_tests_side_by_side() -> None:
    """One program runs them all, which does not see how make was started."""
    os.environ["TESTSUITEFLAGS"] = f"-j{parallel_jobs()}"


tar = Package(
    name="tar",
    version="1.35",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/t/tar/tar_{p.version}+dfsg.orig.tar.xz",),
        sha256="9ae57e981c1e73c0eebc2b26c9b0c4497fe310ef1d516ea430efb5470b71f7a8",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", name_the_shell).add_before(
            "check", run_tests_side_by_side
        ),
    },
    synopsis="Make and unpack archives",
    description=(
        "GNU tar puts many files into one archive, with their names, times and rights, and takes them "
        "out again. It knows the formats of old and new, compresses through other programs, and makes "
        "incremental backups."
    ),
    home_page="https://www.gnu.org/software/tar/",
    license=licenses.gpl3_plus,
)
