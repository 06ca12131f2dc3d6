"""GNU m4."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["m4"]


def name_the_shell(*, shell: Path) -> None:
    """Two tests of its portability library start the shell by the name that is configured here."""
    substitute("lib/config.hin", ('"/bin/sh"', f'"{shell}"'))


m4 = Package(
    name="m4",
    version="1.4.19",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/m4/m4-{p.version}.tar.xz",
            f"debian://pool/main/m/m4/m4_{p.version}.orig.tar.xz",
        ),
        sha256="63aede5c6d33b6d9b13511cd0be2cac046f2e70fd0a07aa9573a04a82783af96",
    ),
    build_system=gnu,
    arguments={"phases": standard_phases.add_before("configure", name_the_shell)},
    synopsis="Macro processor",
    description=(
        "GNU m4 copies its input to its output and expands macros on the way: built-in ones, which "
        "include files, run commands and do arithmetic, and those that the input defines. Autoconf is "
        "written in it."
    ),
    home_page="https://www.gnu.org/software/m4/",
    license=licenses.gpl3_plus,
)
