"""f2c, and the library that what it translates is linked with.

Upstream publishes both under names without a version; Debian's sources are those of one day.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import install_file, substitute
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildside.unpack import source_directory, unpack
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["f2c"]

PROGRAM = """\
      PROGRAM SUMS
      INTEGER I
      DOUBLE PRECISION TOTAL
      TOTAL = 0.0D0
      DO 10 I = 1, 100
         TOTAL = TOTAL + DBLE( I )**3
   10 CONTINUE
      WRITE( *, '(A,F10.1,I6)' ) 'SUM', TOTAL, INT( SQRT( TOTAL ) )
      END
"""


def unpack_library(*, native_inputs: dict[str, Path]) -> None:
    unpack(native_inputs["libf2c-source"], "../library")


def build(*, shell: Path) -> None:
    """The library can be part of shared ones; its objects keep nothing but what others may call."""
    options = make_arguments(shell=shell, make_flags=["-f", "makefile.u", "CFLAGS=-O2 -w"], parallel=True)
    invoke("make", *options, "f2c", directory="src")
    library = source_directory("../library")
    # What is there is made for an `integer` of eight bytes, other than what the program says.
    (library / "f2c.h").write_bytes(Path("f2c.h").read_bytes())
    substitute(library / "makefile.u", ("^f2c.h: f2c.h0", "unused: f2c.h0"), ("^\tar r ", "\tar rD "))
    flags = "CFLAGS=-O2 -w -fPIC -DNON_UNIX_STDIO"
    options = make_arguments(shell=shell, make_flags=["-f", "makefile.u", flags], parallel=False)
    invoke("make", *options, "all", directory=library)


def check() -> None:
    """There are no tests upstream: translate a program, compile it, run it."""
    library = source_directory("../library")
    Path("sums.f").write_text(PROGRAM)
    invoke("src/f2c", "-A", "sums.f")
    invoke("gcc", f"-I{library}", "sums.c", f"-L{library}", "-lf2c", "-lm", "-o", "sums")
    written = capture("./sums")
    if written != "SUM25502500.0  5050\n":
        raise BuildSideError(f"the translated program wrote {written!r}")


def install(*, outputs: dict[str, Path]) -> None:
    out, library = outputs["out"], source_directory("../library")
    install_file("src/f2c", out / "bin")
    install_file("f2c.h", out / "include")
    install_file(library / "libf2c.a", out / "lib")
    install_file("f2c.1", out / "share/man/man1")


f2c = Package(
    name="f2c",
    version="20240504",
    source=lambda p: Origin(
        uri=f"debian://pool/main/f/f2c/f2c_{p.version}.orig.tar.xz",
        sha256="12a129a1a8d9a1446f29c0a126b29e8d6a3537266921ad1851bda9933b08221b",
    ),
    build_system=gnu,
    arguments={
        "license_files": r"^Notice$",
        "phases": standard_phases.delete("configure")
        .add_before("build", unpack_library)
        .replace("build", build)
        .replace("check", check)
        .replace("install", install),
    },
    native_inputs=lambda p: {
        "libf2c-source": Origin(
            uri=f"debian://pool/main/libf/libf2c2/libf2c2_{p.version}.orig.tar.xz",
            sha256="85989f4f1ec3db3b1581bd16a807be3bb3a1f547f7fe7ba4e074d02710521aef",
        )
    },
    synopsis="Translate Fortran 77 to C",
    description=(
        "f2c reads programs in Fortran 77 and writes the same in C. What it writes is linked with a small "
        "library, libf2c, which holds Fortran's input and output and arithmetic. It makes it possible to use "
        "numerical libraries of old where there is no compiler for Fortran."
    ),
    home_page="https://www.netlib.org/f2c/",
    license=licenses.non_copyleft,
)
