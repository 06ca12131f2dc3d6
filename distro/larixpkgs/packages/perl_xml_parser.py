"""XML::Parser."""

from __future__ import annotations

from pathlib import Path

from larix.buildsystems.perl import perl
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import expat

__all__ = ["perl_xml_parser"]


def configure_flags(*, inputs: dict[str, Path]) -> list[str]:
    return [f"EXPATLIBPATH={inputs['expat']}/lib", f"EXPATINCPATH={inputs['expat']}/include"]


perl_xml_parser = Package(
    name="perl-xml-parser",
    version="2.47",
    source=lambda p: Origin(
        uri=(
            f"https://cpan.metacpan.org/authors/id/T/TO/TODDR/XML-Parser-{p.version}.tar.gz",
            f"debian://pool/main/libx/libxml-parser-perl/libxml-parser-perl_{p.version}.orig.tar.gz",
        ),
        sha256="ad4aae643ec784f489b956abe952432871a622d4e2b5c619e8855accbfc4d1d8",
    ),
    build_system=perl,
    arguments={"configure_flags": configure_flags},
    inputs=lambda: [expat.expat],
    synopsis="Read XML documents from Perl",
    description=(
        "XML::Parser reads XML by the library Expat, and calls functions of Perl for what it meets: "
        "elements, text, instructions. It also makes trees and objects of documents."
    ),
    home_page="https://metacpan.org/dist/XML-Parser",
    license=(licenses.artistic1, licenses.gpl1_plus),
)
