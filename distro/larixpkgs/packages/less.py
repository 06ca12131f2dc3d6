"""less, the pager."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ncurses, perl

__all__ = ["less"]


def leave_out_tests() -> None:
    """Two searches in text of other scripts, for which the seed has no locale."""
    for name in ("chinese1", "utf8-2.txt"):
        Path(f"lesstest/lt/{name}.lt").unlink()


def build_again(*, shell: Path) -> None:
    """What is tested is built for tests alone, and stays where it would be installed."""
    arguments = make_arguments(shell=shell, make_flags=(), parallel=True)
    invoke("make", "clean", *arguments)
    invoke("make", *arguments)


less = Package(
    name="less",
    version="668",
    source=lambda p: Origin(
        uri=(
            f"https://www.greenwoodsoftware.com/less/less-{p.version}.tar.gz",
            f"debian://pool/main/l/less/less_{p.version}.orig.tar.gz",
        ),
        sha256="2819f55564d86d542abbecafd82ff61e819a3eec967faa36cd3e68f1596a44b8",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("check", leave_out_tests).add_after("check", build_again),
    },
    native_inputs=lambda: [perl.perl],  # for the tests
    inputs=lambda: [ncurses.ncurses],
    synopsis="Page through text",
    description=(
        "less shows text a screen at a time, forwards and backwards, without reading all of it first. It "
        "searches, follows growing files, and understands much of what terminals can show."
    ),
    home_page="https://www.greenwoodsoftware.com/less/",
    license=(licenses.gpl3_plus, licenses.bsd_2),
)
