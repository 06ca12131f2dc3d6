"""Tcl.

Debian's source is the release without the copy of zlib in it. Its bytes are not those of the release.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import zlib

__all__ = ["tcl"]

# Those of the language itself. The others run /bin/sh, look for other machines, or wait for long.
TESTS = (
    *("append", "apply", "assocd", "basic", "binary", "case", "clock", "compExpr", "compile", "dict"),
    *("error", "eval", "event", "expr", "for", "foreach", "format", "if", "incr", "info", "lindex"),
    *("list", "lsearch", "namespace", "oo", "parse", "proc", "regexp", "scan", "set", "split", "string"),
    *("subst", "switch", "thread", "unknown", "uplevel", "upvar", "util", "var", "while", "zlib"),
)


def enter_unix() -> None:
    os.chdir("unix")


def finish(*, outputs: dict[str, Path], version: str) -> None:
    """Give `tclsh` its plain name, and let those who ask `tclConfig.sh` see nothing of the build."""
    out, short = outputs["out"], ".".join(version.split(".")[:2])
    (out / "bin" / "tclsh").symlink_to(f"tclsh{short}")
    (out / "lib" / "libtcl.so").symlink_to(f"libtcl{short}.so")
    for file in find_files(out / "lib", r"^(tcl|tdbc|itcl)Config\.sh$"):
        source, build = os.path.dirname(os.getcwd()), os.getcwd()
        substitute(file, (build, f"{out}/lib"), (source, str(out)), required=False)


tcl = Package(
    name="tcl",
    version="8.6.16",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/t/tcl8.6/tcl8.6_{p.version}+dfsg.orig.tar.gz",),
        sha256="c3b6a803ea2e55cafa8b4b52546a6b3bb3722927dcf4bebe3a6549fd353702ea",
    ),
    build_system=gnu,
    arguments={
        "make_flags": ["TESTFLAGS=-file '" + " ".join(f"{name}.test" for name in TESTS) + "'"],
        "test_target": "test-tcl",
        "phases": standard_phases.add_after("unpack", enter_unix).add_after("install", finish),
    },
    inputs=lambda: [zlib.zlib],
    synopsis="Scripting language that programs embed",
    description=(
        "Tcl is a small language made to be built into programs and to tie programs together. It has "
        "events, sockets and threads, and is easy to extend in C. The shell `tclsh` runs scripts."
    ),
    home_page="https://www.tcl-lang.org/",
    license=licenses.tcltk,
)
