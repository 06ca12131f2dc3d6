"""Info-ZIP's UnZip."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import zip as packer

__all__ = ["unzip"]

# What upstream's script finds on a system with a C library of this century, except that it would also declare
# functions in its own way.
DEFINITIONS = (
    "-DLARGE_FILE_SUPPORT -DNO_LCHMOD -DUNICODE_SUPPORT -DUNICODE_WCHAR -DUTF8_MAYBE_NATIVE -DHAVE_UNLINK "
    "-DHAVE_DIRENT_H -DHAVE_TERMIOS_H -DWILD_STOP_AT_DIR -DNO_WORKING_ISPRINT"
)
MAKE = ["-f", "unix/Makefile", "CC=gcc", "D_USE_BZ2=", f"CF=-O2 -w -I. -DUNIX {DEFINITIONS}"]


def build(*, shell: Path) -> None:
    invoke("make", *make_arguments(shell=shell, make_flags=MAKE, parallel=True), "unzips")


def check(*, shell: Path) -> None:
    """Upstream's own, which unpacks an archive that comes along, and one that Zip writes."""
    invoke("make", *make_arguments(shell=shell, make_flags=MAKE, parallel=False), "check")
    invoke("zip", "-q", "-9", "test.zip", "unzip.c", "README")
    invoke("./unzip", "-t", "test.zip")
    if capture("./unzip", "-p", "test.zip", "unzip.c") != Path("unzip.c").read_text(encoding="utf-8"):
        raise BuildSideError("what was unpacked is other than what was packed")


def install(*, outputs: dict[str, Path], shell: Path) -> None:
    out = outputs["out"]
    flags = [*MAKE, f"prefix={out}", f"MANDIR={out}/share/man/man1"]
    invoke("make", *make_arguments(shell=shell, make_flags=flags, parallel=False), "install")


unzip = Package(
    name="unzip",
    version="6.0",
    source=lambda p: Origin(
        uri=(
            (
                "https://downloads.sourceforge.net/project/infozip/UnZip%206.x%20%28latest%29/"
                f"UnZip%20{p.version}/unzip{p.version.replace('.', '')}.tar.gz"
            ),
            f"debian://pool/main/u/unzip/unzip_{p.version}.orig.tar.gz",
        ),
        sha256="036d96991646d0449ed0aa952e4fbe21b476ce994abc276e49d30e686708bd37",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.delete("configure")
        .replace("build", build)
        .replace("check", check)
        .replace("install", install)
    },
    native_inputs=lambda: [packer.zip],  # for the tests
    synopsis="Unpack zip archives",
    description=(
        "UnZip lists, tests and unpacks zip archives, of whichever system they come from. With it come "
        "`zipinfo`, which tells all about an archive, and `funzip`, which unpacks from a pipe."
    ),
    home_page="https://infozip.sourceforge.net/UnZip.html",
    license=licenses.non_copyleft,
)
