"""Info-ZIP's Zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["zip"]

MAKE = ["-f", "unix/Makefile", "CC=gcc"]


def build(*, shell: Path) -> None:
    invoke("make", *make_arguments(shell=shell, make_flags=MAKE, parallel=False), "generic")


def check() -> None:
    """There are no tests upstream: what Zip writes must be what Python reads."""
    files = ["zip.txt", "zip.c", "unix/unix.c", "README"]
    for options in ([], ["-0"], ["-9"]):
        invoke("./zip", "-q", *options, "test.zip", *files)
        with zipfile.ZipFile("test.zip") as archive:
            if archive.namelist() != files or any(archive.read(f) != Path(f).read_bytes() for f in files):
                raise BuildSideError(f"`zip {' '.join(options)}` wrote another archive than it should")
        Path("test.zip").unlink()
    print("3 archives read back", flush=True)


def install(*, outputs: dict[str, Path], shell: Path) -> None:
    out = outputs["out"]
    flags = [*MAKE, f"prefix={out}", f"MANDIR={out}/share/man/man1"]
    invoke("make", *make_arguments(shell=shell, make_flags=flags, parallel=False), "install")


zip = Package(  # noqa: A001 - the name of the package
    name="zip",
    version="3.0",
    source=lambda p: Origin(
        uri=(
            (
                "https://downloads.sourceforge.net/project/infozip/Zip%203.x%20%28latest%29/"
                f"{p.version}/zip{p.version.replace('.', '')}.tar.gz"
            ),
            f"debian://pool/main/z/zip/zip_{p.version}.orig.tar.gz",
        ),
        sha256="f0e8bb1f9b7eb0b01285495a2699df3a4b766784c1765a8f1aeedf63c0806369",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.delete("configure")
        .replace("build", build)
        .replace("check", check)
        .replace("install", install)
    },
    synopsis="Make zip archives",
    description=(
        "Zip packs files into archives that nearly every system can open, and compresses each of them. It "
        "adds to archives, replaces and removes files in them, splits and encrypts them."
    ),
    home_page="https://infozip.sourceforge.net/Zip.html",
    license=licenses.non_copyleft,
)
