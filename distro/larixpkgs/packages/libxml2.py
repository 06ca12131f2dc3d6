"""libxml2.

Debian's source is the release without the documents that its tests parse, whose licence it does not accept.
Its bytes are not those of the release.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import InvokeError, capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import pkgconf, zlib

__all__ = ["libxml2"]

# Those of upstream's test programs that need no documents.
TESTS = ("testapi", "testchar", "testdict")

DOCUMENT = """<!DOCTYPE trees [<!ELEMENT trees (tree+)><!ELEMENT tree (#PCDATA)>]>
<trees><tree>larch</tree><tree>grün</tree></trees>
"""


def check(*, shell: Path) -> None:
    """All functions with all kinds of arguments, characters, dictionaries; and documents, good and bad."""
    invoke("make", *TESTS, *make_arguments(shell=shell, make_flags=[], parallel=True))
    for name in TESTS:
        invoke(f"./{name}")
    Path("good.xml").write_text(DOCUMENT, encoding="utf-8")
    Path("bad.xml").write_text(DOCUMENT.replace("tree>", "bush>"), encoding="utf-8")
    found = capture("./xmllint", "--valid", "--xpath", "string(//tree[2])", "good.xml").strip()
    try:
        invoke("./xmllint", "--valid", "--noout", "bad.xml")
        refused = False
    except InvokeError as error:
        refused = error.status == 3
    if found != "grün" or not refused:
        raise BuildSideError(f"xmllint found `{found}`, and a bad document was {refused=}")


libxml2 = Package(
    name="libxml2",
    version="2.15.4",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/libx/libxml2/libxml2_{p.version}+dfsg.orig.tar.xz",),
        sha256="5868d20db42ee21e4881bc53050c7fa226286a277cb3d0543f76b81f7571e934",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--disable-static", "--with-zlib", "--without-python"],
        "phases": standard_phases.replace("check", check),
    },
    native_inputs=lambda: [pkgconf.pkgconf],
    inputs=lambda: [zlib.zlib],
    native_search_paths=[SearchPath("XML_CATALOG_FILES", ("share/xml/catalog.xml",), " ", "regular")],
    synopsis="Read and write XML and HTML",
    description=(
        "libxml2 reads XML and HTML, whole or piece by piece, and writes them. It finds parts of a document "
        "by XPath, includes others, and checks against DTDs, schemas and RELAX NG. The program `xmllint` "
        "does so from a shell."
    ),
    home_page="https://gitlab.gnome.org/GNOME/libxml2",
    license=licenses.expat,
)
