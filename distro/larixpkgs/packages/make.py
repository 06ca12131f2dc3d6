"""GNU Make.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import perl

__all__ = ["make"]


def leave_out_manual() -> None:
    """The whole folder is missing from the source, also the makefile that `configure` expects there."""
    stub = Path("doc/Makefile.in")
    stub.parent.mkdir()
    stub.write_text("all check clean distclean info install installcheck uninstall:\n")
    substitute("Makefile.in", (r"^man_MANS = .*", "man_MANS ="))


def name_the_shell(*, shell: Path) -> None:
    """Recipes are run by this shell unless a makefile says otherwise."""
    substitute("src/job.c", ('default_shell = "/bin/sh"', f'default_shell = "{shell}"'))


def adjust_tests(*, shell: Path) -> None:
    """Some start the shell by its usual name; one takes PATH away and relies on the one of the system."""
    for file in ("tests/run_make_tests.pl", "tests/scripts/features/exec"):
        substitute(file, ("/bin/sh", str(shell)))
    substitute("tests/scripts/misc/general4", (r"delete \$ENV\{PATH\};", ""))


make = Package(
    name="make",
    version="4.4.1",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/m/make-dfsg/make-dfsg_{p.version}.orig.tar.xz",),
        sha256="3b16b00ea1079af9f8096bbc71ff7cc00c249fc6a862003da3c42308a0adb0fe",
    ),
    build_system=gnu,
    arguments={
        # Its tests run Make in an environment of their own, in which the seed's libc finds no other.
        "locale_name": "C",
        "phases": standard_phases.add_before("configure", leave_out_manual)
        .add_before("configure", name_the_shell)
        .add_before("configure", adjust_tests),
    },
    native_inputs=lambda: [perl.perl],  # for the tests
    synopsis="Build what is out of date",
    description=(
        "GNU Make finds out, from a makefile that tells what is made of what and how, which files are "
        "out of date, and runs the commands that make them anew."
    ),
    home_page="https://www.gnu.org/software/make/",
    license=licenses.gpl3_plus,
)
