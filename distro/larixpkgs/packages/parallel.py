"""GNU parallel.

Debian's source is the release without generated documentation.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import perl

__all__ = ["parallel"]


def set_home() -> None:
    """It keeps what it has found out about the machine below the home directory."""
    os.environ["HOME"] = os.getcwd()


def check(*, shell: Path) -> None:
    """Upstream's tests need other machines and days; this runs jobs and keeps their order."""
    os.environ["PARALLEL_SHELL"] = str(shell)
    written = capture("perl", "src/parallel", "-k", "-j4", "echo {1}-{2}", ":::", "a", "b", ":::", "1", "2")
    if written.split() != ["a-1", "a-2", "b-1", "b-2"]:
        raise BuildSideError(f"`parallel` wrote {written!r}")


parallel = Package(
    name="parallel",
    version="20240222",
    source=lambda p: Origin(
        uri=f"debian://pool/main/p/parallel/parallel_{p.version}+ds.orig.tar.xz",
        sha256="6ce914db9e68dee6049d73bb8cbc90506a0bd443841501978445bc1918031226",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--disable-documentation"],
        "phases": standard_phases.replace("check", check).add_before("check", set_home),
    },
    inputs=lambda: [perl.perl],
    synopsis="Run commands side by side",
    description=(
        "GNU parallel runs one command for each of many arguments, lines or blocks of input, as many at a "
        "time as the machine has cores, here or on other machines, and keeps their output apart."
    ),
    home_page="https://www.gnu.org/software/parallel/",
    license=licenses.gpl3_plus,
)
