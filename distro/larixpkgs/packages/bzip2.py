"""bzip2, the program and its library."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import install_file, substitute
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["bzip2"]


def prepare_makefile() -> None:
    """Manual pages belong below `share`, and links must not name the place of installation."""
    substitute(
        "Makefile",
        (r"\$\(PREFIX\)/man", "$(PREFIX)/share/man"),
        (r"ln -s -f \$\(PREFIX\)/bin/", "ln -s -f "),
    )


def build_shared_library(*, shell: Path) -> None:
    """It has a makefile of its own, whose objects have the names of those of the program."""
    invoke("make", "-f", "Makefile-libbz2_so", f"SHELL={shell}")
    invoke("make", "clean", f"SHELL={shell}")


def install_shared_library(*, outputs: dict[str, Path], version: str) -> None:
    library = outputs["out"] / "lib"
    install_file(f"libbz2.so.{version}", library)
    for name in ("libbz2.so", "libbz2.so.1", "libbz2.so.1.0"):
        (library / name).symlink_to(f"libbz2.so.{version}")


def make_flags(*, outputs: dict[str, Path]) -> list[str]:
    return [f"PREFIX={outputs['out']}"]


bzip2 = Package(
    name="bzip2",
    version="1.0.8",
    source=lambda p: Origin(
        uri=(
            f"https://sourceware.org/pub/bzip2/bzip2-{p.version}.tar.gz",
            f"debian://pool/main/b/bzip2/bzip2_{p.version}.orig.tar.gz",
        ),
        sha256="ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        "phases": standard_phases.replace("configure", prepare_makefile)
        .add_before("build", build_shared_library)
        .add_after("install", install_shared_library),
    },
    synopsis="Compress files by block sorting",
    description=(
        "bzip2 compresses files better than the methods of the Lempel-Ziv family commonly do, at the "
        "price of time. There is a library with an interface like that of zlib, and a program that "
        "recovers what is left of damaged files."
    ),
    home_page="https://sourceware.org/bzip2/",
    license=licenses.bzip2,
)
