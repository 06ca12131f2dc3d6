"""GNU Libtool, with the library libltdl."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.autotest import groups_of_files
from larix.buildside.files import substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildside.portable_scripts import name_usual_shell
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import autoconf, automake, m4, perl

__all__ = ["libtool"]


# Compiling, linking, loading and installing of libraries of all kinds, and the library libltdl. The rest
# makes, configures and builds whole packages, which takes ten minutes of a processor more.
TESTS = """
    archive-in-archive bindir bug_62343 bug_71489 cmdline_wrap configure-funcs convenience ctor cwrapper
    deplib-in-subdir deplibs-ident destdir dlloader-api dumpbin-symbols duplicate_conv duplicate_deps
    duplicate_members exceptions execute-mode export export-def fail flags help indirect_deps infer-tag
    inherited_flags install lalib-syntax libtool link-order link-order2 loadlibrary lt_dladvise
    lt_dlexit lt_dlopen lt_dlopen_a lt_dlopenext ltdl-api ltdl-libdir need_lib_prefix no-executables
    pic_flag resident runpath-in-lalib search-path shlibpath slist static sysroot template versioning
    with-pic
""".split()  # noqa: SIM905


def check(*, shell: Path) -> None:
    """Tests write scripts that name a shell which is not there."""
    substitute("tests/testsuite", (r"#! ?/bin/sh", f"#!{shell.parent}/sh"), keep_time=True)
    listing = capture(shell, "./testsuite", "--list", directory="tests")
    groups = " ".join(map(str, groups_of_files(listing, [f"{name}.at" for name in TESTS])))
    invoke("make", "check-local", f"SHELL={shell}", f"TESTSUITEFLAGS=-j{parallel_jobs()} {groups}")


def forget_the_shell(*, outputs: dict[str, Path]) -> None:
    name_usual_shell(outputs["out"] / "share/libtool")


libtool = Package(
    name="libtool",
    version="2.5.4",
    source=lambda p: Origin(
        uri=f"debian://pool/main/libt/libtool/libtool_{p.version}.orig.tar.xz",
        sha256="d9189031edeaa6aa74695b2aeb80a8c26df50b29d8b72c991667e01adecea42c",
    ),
    build_system=gnu,
    arguments={
        # No --disable-static here: the program `libtool` would make no static libraries either.
        "phases": standard_phases.replace("check", check).add_after("patch-shebangs", forget_the_shell),
    },
    native_inputs=lambda: [autoconf.autoconf, automake.automake, perl.perl],
    propagated_inputs=lambda: [m4.m4],  # libtoolize reads `configure.ac` with it
    synopsis="Make libraries, shared or not, on any system",
    description=(
        "GNU Libtool hides how a system makes and links shared libraries behind one command, and its macros "
        "bring that into the `configure` of other packages. Its library libltdl opens modules while a "
        "program runs."
    ),
    home_page="https://www.gnu.org/software/libtool/",
    license=(licenses.gpl2_plus, licenses.lgpl2_1_plus),
)
