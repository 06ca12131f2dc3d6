"""GNU Autoconf."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.autotest import groups_of_files
from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildside.portable_scripts import name_usual_shell
from larix.buildside.shebang import patch_shebangs
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import m4, perl

__all__ = ["autoconf"]


def check(*, shell: Path) -> None:
    """The groups on the programs and on their language.

    The whole suite takes an hour of a processor: a `configure` is made and run for each macro.
    """
    patch_shebangs(find_files("tests", r"^(auto[a-z0-9]+|ifnames)$"))  # they run the programs from the build
    invoke("make", "tests/testsuite", f"SHELL={shell}")
    substitute("tests/testsuite", (r"(?<=[ (`;])\./configure", "$CONFIG_SHELL ./configure"))
    listing = capture(shell, "./testsuite", "--list", directory="tests")
    groups = " ".join(map(str, groups_of_files(listing, ("m4sugar.at", "tools.at"))))
    invoke("make", "check", f"SHELL={shell}", f"TESTSUITEFLAGS=-j{parallel_jobs()} {groups}")


def forget_the_shell(*, outputs: dict[str, Path]) -> None:
    name_usual_shell(outputs["out"] / "share/autoconf/build-aux")


autoconf = Package(
    name="autoconf",
    version="2.72",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/autoconf/autoconf-{p.version}.tar.xz",
            f"debian://pool/main/a/autoconf/autoconf_{p.version}.orig.tar.xz",
        ),
        sha256="ba885c1319578d6c94d46e9b0dceb4014caafe2490e437a0dbca3f270a223f5a",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.replace("check", check).add_after("patch-shebangs", forget_the_shell),
    },
    inputs=lambda: [m4.m4, perl.perl],
    synopsis="Make configure scripts",
    description=(
        "GNU Autoconf turns a description of what a program wants to know of a system into a shell script "
        "that finds it out: which functions, headers, libraries and programs are there and how they "
        "behave. With it come Autotest for test suites and M4sh for portable shell scripts."
    ),
    home_page="https://www.gnu.org/software/autoconf/",
    license=licenses.gpl3_plus,
)
