"""PCRE2, for characters of 8, 16 and 32 bits."""

from __future__ import annotations

from larix.buildside.files import substitute, which
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import bzip2, zlib

__all__ = ["pcre2"]

RELEASES = "https://github.com/PCRE2Project/pcre2/releases/download"


def name_echo() -> None:
    """What `pcre2grep` is to run in its tests."""
    substitute("RunGrepTest", (r"/bin/echo\b", str(which("echo"))))


pcre2 = Package(
    name="pcre2",
    version="10.46",
    source=lambda p: Origin(
        uri=(
            f"{RELEASES}/pcre2-{p.version}/pcre2-{p.version}.tar.gz",
            f"debian://pool/main/p/pcre2/pcre2_{p.version}.orig.tar.gz",
        ),
        sha256="8d28d7f2c3b970c3a4bf3776bcbb5adfc923183ce74bc8df1ebaad8c1985bd07",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-static",
            "--enable-jit",
            "--enable-pcre2-16",
            "--enable-pcre2-32",
            "--enable-pcre2grep-libbz2",
            "--enable-pcre2grep-libz",
        ],
        "phases": standard_phases.add_before("check", name_echo),
    },
    inputs=lambda: [bzip2.bzip2, zlib.zlib],
    synopsis="Regular expressions of Perl's kind",
    description=(
        "PCRE2 is a library that matches regular expressions with the syntax and meaning of Perl's, in "
        "Unicode or not, compiled to machine code where speed counts. The program `pcre2grep` searches "
        "files with them."
    ),
    home_page="https://pcre.org/",
    license=licenses.bsd_3,
)
