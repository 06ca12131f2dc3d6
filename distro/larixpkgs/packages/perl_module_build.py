"""Module::Build, by which some Perl modules are built and installed."""

from __future__ import annotations

from larix.buildsystems.perl import perl
from larix.packages import Origin, Package, licenses

__all__ = ["perl_module_build"]


perl_module_build = Package(
    name="perl-module-build",
    version="0.4234",
    source=lambda p: Origin(
        uri=(
            f"https://cpan.metacpan.org/authors/id/L/LE/LEONT/Module-Build-{p.version}.tar.gz",
            f"debian://pool/main/libm/libmodule-build-perl/libmodule-build-perl_{p.version}00.orig.tar.gz",
        ),
        sha256="66aeac6127418be5e471ead3744648c766bd01482825c5b66652675f2bc86a8f",
    ),
    build_system=perl,
    arguments={"prefer_makefile": False},
    synopsis="Build and install Perl modules without make",
    description=(
        "Module::Build configures, builds, tests and installs Perl modules by a script in Perl, Build, "
        "instead of makefiles. Modules that come with a Build.PL need it."
    ),
    home_page="https://metacpan.org/dist/Module-Build",
    license=(licenses.artistic1, licenses.gpl1_plus),
)
