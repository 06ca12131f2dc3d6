"""ncurses, with wide characters."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larix.packages.platform import current_target

__all__ = ["ncurses"]


def configure_flags(*, outputs: dict[str, Path]) -> list[str]:
    return [
        "--enable-overwrite",  # headers in `include` itself
        "--enable-pc-files",
        "--enable-widec",
        f"--with-pkg-config-libdir={outputs['out']}/lib/pkgconfig",
        "--with-shared",
        "--without-ada",
        "--without-debug",
    ]


def link_plain_names(*, outputs: dict[str, Path]) -> None:
    """Programs ask for the libraries without the `w` of wide characters, or by their older names."""
    library = outputs["out"] / "lib"
    for name in ("ncurses", "form", "menu", "panel"):
        for ending in (".a", ".so"):
            (library / f"lib{name}{ending}").symlink_to(f"lib{name}w{ending}")
        (library / "pkgconfig" / f"{name}.pc").symlink_to(f"{name}w.pc")
    for name in ("curses", "tinfo"):
        (library / f"lib{name}.so").symlink_to("libncursesw.so")


ncurses = Package(
    name="ncurses",
    version="6.4",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/ncurses/ncurses-{p.version}.tar.gz",
            f"debian://pool/main/n/ncurses/ncurses_{p.version}.orig.tar.gz",
        ),
        sha256="6931283d9ac87c5073f30b6290c4c75f21632bb4fc3603ac8100812bed248159",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": configure_flags,
        # What comes as tests are programs to look at on a terminal.
        "tests": False,
        "phases": standard_phases.add_after("install", link_plain_names),
    },
    # Its own compiler of terminal descriptions runs at the end of the build.
    native_inputs=lambda p: [p] if current_target() else [],
    synopsis="Control text terminals",
    description=(
        "ncurses lets programs draw on text terminals of any kind without knowing theirs: windows, "
        "colours, forms, menus and panels, wide characters, and the terminfo database of what terminals "
        "can do, with the programs that keep it."
    ),
    home_page="https://invisible-island.net/ncurses/",
    license=licenses.x11,
)
