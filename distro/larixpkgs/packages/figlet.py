"""FIGlet, of which upstream publishes releases by FTP only."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["figlet"]


def make_flags(*, outputs: dict[str, Path]) -> list[str]:
    out = outputs["out"]
    return ["CC=gcc", "LD=gcc", f"prefix={out}", f"MANDIR={out}/share/man"]


def keep_the_terminal_alone() -> None:
    """The tests ask how wide the terminal is; a build has none."""
    substitute("run-tests.sh", (r"\$\(tput cols\)|`tput cols`", "80"), required=False)


figlet = Package(
    name="figlet",
    version="2.2.5",
    source=lambda p: Origin(
        uri=f"debian://pool/main/f/figlet/figlet_{p.version}.orig.tar.gz",
        sha256="bf88c40fd0f077dab2712f54f8d39ac952e4e9f2e1882f1195be9e5e4257417d",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        "parallel_tests": False,
        "phases": standard_phases.delete("configure").add_before("check", keep_the_terminal_alone),
    },
    synopsis="Write in large letters",
    description=(
        "FIGlet writes text in large letters that are made of the ordinary ones, in one of many fonts: for "
        "banners, greetings of a machine, and the heads of files."
    ),
    home_page="https://github.com/cmatsuoka/figlet",
    license=licenses.bsd_3,
)
