"""tree."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import mkdir_p
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["tree"]


def make_flags(*, outputs: dict[str, Path]) -> list[str]:
    out = outputs["out"]
    return ["CC=gcc", f"PREFIX={out}", f"DESTDIR={out}/bin", f"MANDIR={out}/share/man"]


def check() -> None:
    """There are no tests upstream."""
    (mkdir_p("forest/b/c") / "leaf").write_text("")
    (mkdir_p("forest/a") / "leaf").write_text("")
    expected = "forest\n|-- a\n|   `-- leaf\n`-- b\n    `-- c\n        `-- leaf\n\n4 directories, 2 files\n"
    written = capture("./tree", "--charset=ascii", "forest")
    if written != expected:
        raise BuildSideError(f"`tree` wrote {written!r}")


tree = Package(
    name="tree",
    version="2.1.0",
    source=lambda p: Origin(
        uri=(
            f"https://mama.indstate.edu/users/ice/tree/src/tree-{p.version}.tgz",
            f"debian://pool/main/t/tree/tree_{p.version}.orig.tar.gz",
        ),
        file_name=f"tree-{p.version}.tar.gz",
        sha256="0160c535bff2b0dc6a830b9944e981e3427380f63e748da96ced7071faebabf6",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        "phases": standard_phases.delete("configure").replace("check", check),
    },
    synopsis="Show folders as trees",
    description=(
        "tree lists folders with all that is below, drawn as a tree, with colours, sizes, owners or times "
        "when wanted, and also as HTML, XML or JSON."
    ),
    home_page="https://mama.indstate.edu/users/ice/tree/",
    license=licenses.gpl2_plus,
)
