"""GNU nano."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ncurses

__all__ = ["nano"]


nano = Package(
    name="nano",
    version="8.4",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/nano/nano-{p.version}.tar.xz",
            f"debian://pool/main/n/nano/nano_{p.version}.orig.tar.xz",
        ),
        sha256="5ad29222bbd55624d87ea677928b3106a743114d6c6f9b41f36c97be2a8e628d",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--enable-utf8", "--disable-libmagic"]},
    inputs=lambda: [ncurses.ncurses],
    synopsis="Simple text editor for the terminal",
    description=(
        "nano edits text on a terminal and shows at the bottom which keys do what. It colours the syntax of "
        "many languages, searches and replaces, undoes, and records macros."
    ),
    home_page="https://www.nano-editor.org/",
    license=licenses.gpl3_plus,
)
