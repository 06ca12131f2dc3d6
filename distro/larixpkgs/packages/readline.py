"""GNU Readline."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ncurses

__all__ = ["readline"]


readline = Package(
    name="readline",
    version="8.2",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/readline/readline-{p.version}.tar.gz",
            f"debian://pool/main/r/readline/readline_{p.version}.orig.tar.gz",
        ),
        sha256="3feb7171f16a84ee82ca18a36d7b9be109a52c04f492a053331d7d1095007c35",
    ),
    build_system=gnu,
    arguments={
        # The shared library names what it needs, so that users of it need not.
        "configure_flags": ["--with-curses"],
        "make_flags": ["SHLIB_LIBS=-lncursesw"],
        "tests": False,  # it has none
    },
    inputs=lambda: [ncurses.ncurses],
    synopsis="Edit command lines",
    description=(
        "GNU Readline gives programs that read commands a line to edit, in the manner of Emacs or vi, "
        "with completion, a history of what was entered, and key bindings of the user's own."
    ),
    home_page="https://tiswww.case.edu/php/chet/readline/rltop.html",
    license=licenses.gpl3_plus,
)
