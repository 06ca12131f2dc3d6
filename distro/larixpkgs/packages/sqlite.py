"""SQLite, from the sources that its amalgamation is made of, by Tcl.

Debian's source is the tree of the release without generated and Windows' files.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ncurses, readline, tcl, zlib

__all__ = ["sqlite"]

# Of the 1,200 files of tests those that one begins with when something is wrong with SQL, storage, extensions
# settings. All would take hours, upstream's own quick choice twenty minutes.
TESTS = """
    alter analyze autoinc between blob capi2 cast check coalesce collate1 conflict count createtab date
    default descidx1 distinct e_expr expr fkey1 fts3aa fts4aa func having hook in index insert intpkey join
    join2 json101 lastinsert like limit lock main memdb minmax misc1 notnull null pragma quote rollback
    rowid savepoint schema select1 select2 select3 select4 select5
""".split()  # noqa: SIM905

FLAGS = (
    "SQLITE_ENABLE_COLUMN_METADATA",
    "SQLITE_ENABLE_DBSTAT_VTAB",
    "SQLITE_ENABLE_MATH_FUNCTIONS",
    "SQLITE_ENABLE_UNLOCK_NOTIFY",
    "SQLITE_SECURE_DELETE",
)


def configure_flags(inputs: dict[str, Path], native_inputs: dict[str, Path]) -> list[str]:
    return [
        f"CPPFLAGS={' '.join(f'-D{flag}=1' for flag in FLAGS)}",
        "--disable-static",
        "--enable-all",
        "--with-readline-lib=-lreadline",
        f"--with-readline-inc=-I{inputs['readline']}/include",
        f"--with-tcl={native_inputs['tcl']}/lib",
    ]


def check(*, shell: Path, native_inputs: dict[str, Path]) -> None:
    """By a Tcl interpreter that has the library and its tests in it."""
    invoke("make", "testfixture", *make_arguments(shell=shell, make_flags=[], parallel=True))
    os.environ["LD_LIBRARY_PATH"] = f"{native_inputs['tcl']}/lib"
    failed: list[str] = []
    for name in TESTS:
        log = capture(shell, "-c", f"./testfixture test/{name}.test 2>&1 || true")
        summary = [line for line in log.splitlines() if " errors out of " in line]
        print(f"{name}: {summary[-1] if summary else log}", flush=True)
        if not summary or not summary[-1].startswith("0 errors"):
            failed.append(name)
            print(log, flush=True)
    del os.environ["LD_LIBRARY_PATH"]
    if failed:
        raise BuildSideError(f"tests failed: {', '.join(failed)}")


sqlite = Package(
    name="sqlite",
    version="3.46.1",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/s/sqlite3/sqlite3_{p.version}.orig.tar.xz",),
        sha256="d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": configure_flags,
        "make_flags": ["HAVE_TCL="],  # Tcl makes and tests the library; its own interface is not installed
        "phases": standard_phases.replace("check", check),
    },
    native_inputs=lambda: [tcl.tcl],
    inputs=lambda: [ncurses.ncurses, readline.readline, zlib.zlib],
    synopsis="Database in a file, without a server",
    description=(
        "SQLite is a library that keeps a relational database in one file and answers queries in SQL, with "
        "transactions that survive crashes. It needs no server and no administration. The program sqlite3 "
        "works on such databases by hand."
    ),
    home_page="https://www.sqlite.org/",
    license=licenses.public_domain,
)
