"""Text::Template."""

from __future__ import annotations

from larix.buildsystems.perl import perl
from larix.packages import Origin, Package, licenses

__all__ = ["perl_text_template"]


perl_text_template = Package(
    name="perl-text-template",
    version="1.61",
    source=lambda p: Origin(
        uri=(
            f"https://cpan.metacpan.org/authors/id/M/MS/MSCHOUT/Text-Template-{p.version}.tar.gz",
            f"debian://pool/main/libt/libtext-template-perl/libtext-template-perl_{p.version}.orig.tar.gz",
        ),
        sha256="a295ea7d1ef241ae2640c1f7864b628f8e6f99ec14fb1da781b2f5f2168dcf09",
    ),
    build_system=perl,
    synopsis="Fill in templates with pieces of Perl",
    description=(
        "Text::Template makes letters, web pages and configuration files from templates: texts in which "
        "pieces of Perl stand in braces, and are replaced by what they give."
    ),
    home_page="https://metacpan.org/dist/Text-Template",
    license=(licenses.artistic1, licenses.gpl1_plus),
)
