"""GNU Automake."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildside.portable_scripts import name_usual_shell
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import autoconf, perl

__all__ = ["automake"]

EVERY = 12


def check(*, shell: Path) -> None:
    """One in twelve of the tests, which so are from all subjects; all take an hour of a processor.

    They write scripts that name a shell which is not there. `make distcheck` starts some by their own names,
    so tests of it are left out.
    """
    scripts = find_files("t", r"\.(sh|tap)$")
    substitute(
        scripts,
        (r"(?<![^\s;(])(\.\.?|\$srcdir)/configure(?=[\s;)])", r"$SHELL \1/configure"),
        (r"#! ?/bin/sh\b", f"#!{shell.parent}/sh"),
    )
    tests = [file for file in scripts if file.parent.name == "t"]
    chosen = [file for file in tests if "distcheck" not in file.read_text(encoding="utf-8")][::EVERY]
    names = " ".join(map(str, chosen))
    invoke("make", "check", *make_arguments(shell=shell, make_flags=[], parallel=True), f"TESTS={names}")


def forget_the_shell(*, outputs: dict[str, Path]) -> None:
    for directory in (outputs["out"] / "share").glob("automake-*"):
        name_usual_shell(directory)


automake = Package(
    name="automake",
    version="1.17",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/automake/automake-{p.version}.tar.xz",
            f"debian://pool/main/a/automake-{p.version}/automake-{p.version}_{p.version}.orig.tar.xz",
        ),
        sha256="8920c1fc411e13b90bf704ef9db6f29d540e76d232cb3b2c9f4dc4cc599bd990",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.replace("check", check).add_after("patch-shebangs", forget_the_shell),
    },
    inputs=lambda: [perl.perl],
    propagated_inputs=lambda: [autoconf.autoconf],  # it asks autom4te what `configure.ac` says
    native_search_paths=[SearchPath("ACLOCAL_PATH", ("share/aclocal",))],
    synopsis="Make makefiles that follow the GNU standards",
    description=(
        "GNU Automake turns short descriptions of what a directory builds, tests and installs into templates "
        "of makefiles with all the targets that the GNU standards want, dependencies found by compiling, and "
        "test suites run in parallel. Its aclocal gathers the macros that `configure.ac` uses."
    ),
    home_page="https://www.gnu.org/software/automake/",
    license=licenses.gpl2_plus,
)
