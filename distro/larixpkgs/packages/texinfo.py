"""GNU Texinfo, with the reader of Info documents."""

from __future__ import annotations

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import ncurses, perl

__all__ = ["texinfo"]


def translate_in_any_locale() -> None:
    """Words of a document's language are looked up in a locale other than `C` alone; there is one here."""
    substitute("tp/Texinfo/Report.pm", (r"'en_US\.UTF-8', 'en_US'\)", "'en_US.UTF-8', 'en_US', 'C.UTF-8')"))


texinfo = Package(
    name="texinfo",
    version="6.8",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/texinfo/texinfo-{p.version}.tar.xz",
            f"debian://pool/main/t/texinfo/texinfo_{p.version}.orig.tar.xz",
        ),
        sha256="8eb753ed28bca21f8f56c1a180362aed789229bd62fff58bf8368e9beb59fec4",
    ),
    build_system=gnu,
    arguments={"phases": standard_phases.add_before("configure", translate_in_any_locale)},
    inputs=lambda: [ncurses.ncurses, perl.perl],
    native_search_paths=[SearchPath("INFOPATH", ("share/info",))],
    synopsis="Documentation in many formats from one source",
    description=(
        "GNU Texinfo is the language that GNU manuals are written in. makeinfo makes Info documents, plain "
        "text, HTML, DocBook and XML of it, and TeX makes printed books. info reads Info documents on a "
        "terminal."
    ),
    home_page="https://www.gnu.org/software/texinfo/",
    license=licenses.gpl3_plus,
)
