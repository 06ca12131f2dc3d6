"""GNU Bison.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.autotest import groups_of_files
from larix.buildside.files import substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import m4, perl

__all__ = ["bison"]

# Reading grammars, what is told of them, tables, and parsers in C.
TESTS = (
    "conflicts.at",
    "counterexample.at",
    "diagnostics.at",
    "input.at",
    "m4.at",
    "named-refs.at",
    "output.at",
    "push.at",
    "reduce.at",
    "report.at",
    "sets.at",
    "skeletons.at",
    "synclines.at",
)


def leave_out_manual() -> None:
    substitute(
        "Makefile.in",
        (r"^INFO_DEPS = .*", "INFO_DEPS ="),
        (r"^(\$\(srcdir\)/doc/stamp-vti:) doc/bison\.texi ", r"\1 "),
        (r"^all-local: \$\(srcdir\)/\$\(doc_bison\)\.info\.bak$", "all-local:"),
        (r"^(examples/extracted\.stamp:) \$\(doc\) ", r"\1 "),
        keep_time=True,
    )


def check(*, shell: Path) -> None:
    """The whole suite compiles and runs over a thousand parsers, which takes an hour of a processor."""
    listing = capture(shell, "./testsuite", "--list", directory="tests")
    groups = " ".join(map(str, groups_of_files(listing, TESTS)))
    invoke("make", "check-tests", f"SHELL={shell}", f"TESTSUITEFLAGS=-j{parallel_jobs()} {groups}")


bison = Package(
    name="bison",
    version="3.8.2",
    source=lambda p: Origin(
        uri=f"debian://pool/main/b/bison/bison_{p.version}+dfsg.orig.tar.xz",
        sha256="dff8a3c96dd34121828f62a7fa49e1f7765815b89e59f564e8d2a9e71c177be5",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", leave_out_manual).replace("check", check),
    },
    native_inputs=lambda: [perl.perl],
    inputs=lambda: [m4.m4],
    synopsis="Make parsers of grammars",
    description=(
        "GNU Bison turns a grammar, with pieces of code for its rules, into a parser in C, C++, D or Java: "
        "deterministic ones by LALR(1), IELR(1) or canonical LR(1) tables, and general ones that follow all "
        "readings. It explains conflicts by examples. It takes grammars that were written for Yacc."
    ),
    home_page="https://www.gnu.org/software/bison/",
    license=licenses.gpl3_plus,
)
