"""GNU Bash.

Upstream publishes a release and patches to it; Debian's source is the release with patches 1 to 37 applied.
"""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages.ncurses import ncurses
from larixpkgs.packages.readline import readline

__all__ = ["bash"]


bash = Package(
    name="bash",
    version="5.2.37",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/b/bash/bash_{p.version}.orig.tar.xz",),
        sha256="370704c9c859f4060b7df19055e43bb9b5fa09d887699cf6ba87885c5485d36a",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--with-curses", "--with-installed-readline", "--without-bash-malloc"],
    },
    inputs=lambda: [ncurses, readline],
    synopsis="The GNU Bourne-Again shell",
    description=(
        "Bash reads commands, from a terminal or from scripts, and runs them. It is the shell of the GNU "
        "system: compatible with the Bourne shell, with command line editing, job control, functions, "
        "arrays and arithmetic."
    ),
    home_page="https://www.gnu.org/software/bash/",
    license=licenses.gpl3_plus,
)
