"""Graphviz, from the tree that the release was tagged at.

What draws by Cairo is left out, and with it PDF and PNG: there are SVG, PostScript, and formats of other
programs. So are labels in HTML: Expat needs CMake, which takes ten times as long to build as this.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import autoconf, automake, bison, flex, libtool, pkgconf, zlib

__all__ = ["graphviz"]

LANGUAGES = ("guile", "java", "lua", "ocaml", "perl", "php", "python", "python3", "r", "ruby", "tcl")
ENGINES = ("dot", "neato", "fdp", "circo", "twopi", "osage", "patchwork")
GRAPH = 'digraph { larch -> {spruce pine} [label=near]; pine -> "grüne Tanne"; }'


def bootstrap(*, shell: Path) -> None:
    """The script would also configure."""
    invoke(shell, "./autogen.sh", "NOCONFIG")


def check(*, outputs: dict[str, Path]) -> None:
    """Upstream's drawings of all shapes, and a graph by each way to lay it out.

    They ask the installed program, which finds its parts where they are installed. Other tests of upstream's
    want a framework that is not here, or an older Python. `sfdp` draws, but ends with status 1: it lacks GTS.
    """
    programs = outputs["out"] / "bin"
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    invoke("python3", "shapes.py", directory="tests/regression_tests/shapes", environment=environment)
    Path("trees.gv").write_text(GRAPH, encoding="utf-8")
    for engine in ENGINES:
        drawn = [capture(programs / engine, f"-T{kind}", "trees.gv") for kind in ("svg", "ps", "plain")]
        found = "grüne Tanne" in drawn[0], drawn[1].startswith("%!PS-Adobe-3.0"), drawn[2].count("\nnode ")
        if found != (True, True, 4):
            raise BuildSideError(f"{engine}: {found=}")


graphviz = Package(
    name="graphviz",
    version="2.42.4",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/g/graphviz/graphviz_{p.version}.orig.tar.bz2",),
        sha256="a1ca0c4273d96bbf32fbfcbb784c8da2e38da13e7d2bbf9b24fe94ae45e79c4c",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-static",
            "--disable-swig",
            *(f"--disable-{name}" for name in LANGUAGES),
            "--with-expat=no",
            "--with-qt=no",
            "--without-x",
        ],
        "phases": standard_phases.replace("bootstrap", bootstrap).delete("check").add_after("install", check),
    },
    native_inputs=lambda: [
        autoconf.autoconf,
        automake.automake,
        bison.bison,
        flex.flex,
        libtool.libtool,
        pkgconf.pkgconf,
    ],
    inputs=lambda: [zlib.zlib],
    synopsis="Draw graphs that are given as text",
    description=(
        "Graphviz lays out graphs, directed or not, whose nodes and edges are listed in a small language, "
        "and draws them as SVG or PostScript. `dot` arranges hierarchies, other programs springs, circles "
        "and rays; `gvpr` and more select, colour and convert."
    ),
    home_page="https://graphviz.org/",
    license=licenses.epl1_0,
)
