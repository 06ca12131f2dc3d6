"""GNU Findutils."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["findutils"]


def name_the_shell_in_tests(*, shell: Path) -> None:
    """These write scripts and run them."""
    for test in ("tests/find/exec-plus-last-file.sh", "tests/xargs/verbose-quote.sh"):
        substitute(test, ("#!/bin/sh", f"#!{shell}"))


def leave_var_alone() -> None:
    """The folder of the index is outside of the store; `updatedb` makes it where it runs."""
    substitute("locate/Makefile.in", (r"^\t.*mkinstalldirs \$\(DESTDIR\)\$\(localstatedir\)$", "\t@:"))


findutils = Package(
    name="findutils",
    version="4.10.0",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/findutils/findutils-{p.version}.tar.xz",
            f"debian://pool/main/f/findutils/findutils_{p.version}.orig.tar.xz",
        ),
        sha256="1387e0b67ff247d2abde998f90dfbf70c1491391a59ddfecb8ae698789f0a4f5",
    ),
    build_system=gnu,
    arguments={
        # The index that `locate` asks is made by who runs `updatedb`, outside of the store.
        "configure_flags": ["--localstatedir=/var"],
        "phases": standard_phases.add_before("configure", name_the_shell_in_tests).add_before(
            "configure", leave_var_alone
        ),
    },
    synopsis="Find files",
    description=(
        "GNU Findutils find the files of a tree that meet conditions and act on them: find searches, "
        "xargs builds command lines from what it reads, and locate asks an index of all files, which "
        "updatedb makes."
    ),
    home_page="https://www.gnu.org/software/findutils/",
    license=licenses.gpl3_plus,
)
