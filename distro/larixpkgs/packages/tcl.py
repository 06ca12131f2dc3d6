"""Tcl.

Debian's source is the release without the extensions that are bundled with it.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import capture
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["tcl"]

# Of the 160 files of tests those of the language itself, which look at no clock, network, terminal, home
# directory or encoding of the machine: a minute instead of ten.
TESTS = """
    append apply assemble basic case cmdAH compExpr concat dict dstring error eval expr for foreach format if
    incr index info interp join lindex link linsert list llength lmap load lrange lrepeat lreplace lsearch
    lset namespace nre oo parse parseExpr parseOld proc regexp regexpComp registry rename result scan set
    split stack string stringComp subst switch tailcall trace unknown uplevel upvar utf util var while
""".split()  # noqa: SIM905


def enter_unix() -> None:
    os.chdir("unix")


def configure_flags(outputs: dict[str, Path]) -> list[str]:
    return [f"--mandir={outputs['out']}/share/man"]


def check(*, shell: Path) -> None:
    """The summary tells of failures; the program of the tests succeeds whatever it finds."""
    words = make_arguments(shell=shell, make_flags=(), parallel=False)
    log = capture(
        "make", "test-tcl", *words, f"TESTFLAGS=-file {{{' '.join(f'{name}.test' for name in TESTS)}}}"
    )
    print(log, flush=True)
    totals = [line.split() for line in log.splitlines() if "Total" in line and "Failed" in line]
    if not totals or totals[-1][totals[-1].index("Failed") + 1] != "0":
        raise BuildSideError("tests failed, or none was run")


def link_program(*, outputs: dict[str, Path]) -> None:
    """Other programs ask for it without a version."""
    (outputs["out"] / "bin/tclsh").symlink_to("tclsh8.6")


def forget_the_build(*, outputs: dict[str, Path]) -> None:
    """Extensions shall be linked with what is installed, not with what was where it was built."""
    top = os.path.dirname(os.getcwd())
    library = outputs["out"] / "lib"
    substitute(
        find_files(library, r"^tclConfig\.sh$"),
        (f"{top}/unix", str(library)),
        (top, str(outputs["out"] / "include")),
    )


tcl = Package(
    name="tcl",
    version="8.6.16",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/t/tcl8.6/tcl8.6_{p.version}+dfsg.orig.tar.gz",),
        sha256="c3b6a803ea2e55cafa8b4b52546a6b3bb3722927dcf4bebe3a6549fd353702ea",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": configure_flags,
        "phases": standard_phases.add_after("unpack", enter_unix)
        .replace("check", check)
        .add_after("install", link_program)
        .add_after("install", forget_the_build),
    },
    synopsis="Tool command language",
    description=(
        "Tcl is a small language whose programs are commands and strings. It is made to be put into other "
        "programs, which add commands of their own, and it drives many a test suite."
    ),
    home_page="https://www.tcl-lang.org/",
    license=licenses.non_copyleft,
)
