"""OpenBLAS, with LAPACK in C.

Debian's source is upstream's without the copy of LAPACK, which comes from `lapack` here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, mkdir_p, substitute
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import lapack

__all__ = ["openblas", "openblas_haswell"]

# As `lapack` leaves them out, or as it has them only in the programs that test it, or no longer.
NOT_TO_LINK = (
    r"\b[a-z](gedmdq?|laqz\d|gges3|ggev3|trsyl3|bdsvdx|gesvdx|lahilb|combssq|(ge|gb|po|sy|he)rfsx)\b"
    r"|xerbla_array"
)
# They call a BLAS of extended precision.
EXTENDED = r"[cdsz](la_\w+|..svxx)\.o"


def make_flags(target: str) -> list[str]:
    """Nothing is asked of the machine that builds: not its processor, not the number of its cores."""
    return [
        f"TARGET={target}",
        "C_LAPACK=1",
        "NOFORTRAN=1",
        "NO_AFFINITY=1",
        "NO_EXPRECISION=1",  # no kernels for long doubles, which nobody asks for
        "NO_LAPACKE=1",
        "NUM_THREADS=64",
        "USE_OPENMP=0",
        "USE_THREAD=1",
    ]


def generic_flags() -> list[str]:
    """Kernels with SSE3, which every x86-64 processor since 2005 has: the same results on all of them."""
    return make_flags("PRESCOTT")


def haswell_flags() -> list[str]:
    """Kernels with AVX2 and fused multiplication and addition."""
    return make_flags("HASWELL")


def forget_what_is_missing() -> None:
    substitute("exports/gensymbol", (NOT_TO_LINK, ""))
    # In place of upstream's copy of LAPACK: `add_lapack` has put the routines into the library.
    mkdir_p("lapack-netlib")
    Path("lapack-netlib/Makefile").write_text("lapacklib tmglib:\n")


def symbols_of(files: Sequence[Path], *, undefined: bool = False) -> dict[Path, set[str]]:
    """The names that objects or archives define for others, or want from them."""
    kind = "--undefined-only" if undefined else "--defined-only"
    found: dict[Path, set[str]] = {file: set() for file in files}
    for line in capture("nm", "-A", "--extern-only", "--format=posix", kind, *files).splitlines():
        file, _, rest = line.partition(": ")
        found[Path(file.partition("[")[0])].add(rest.split()[0])
    return found


def add_lapack(*, native_inputs: dict[str, Path]) -> None:
    """Add each routine that OpenBLAS has no better one for, and of libf2c what these call."""
    (library,) = find_files(".", r"^libopenblas_.*\.a$")
    for name in ("lapack_pic", "f2c"):
        invoke("ar", "x", native_inputs["lapack"] / f"lib/lib{name}.a", directory=mkdir_p(f"of-{name}"))
    own = symbols_of([library])[library]
    routines = symbols_of(
        [each for each in find_files("of-lapack_pic") if not re.fullmatch(EXTENDED, each.name)]
    )
    added = [file for file, names in routines.items() if not names & own]
    wanted = set[str]().union(*symbols_of(added, undefined=True).values())
    others = {file: names for file, names in symbols_of(find_files("of-f2c")).items() if not names & own}
    wants = symbols_of(list(others), undefined=True)
    while True:
        needed = [file for file, names in others.items() if names & wanted and file not in added]
        if not needed:
            break
        added += needed
        wanted = wanted.union(*(wants[file] for file in needed))
    invoke("ar", "qcD", library, *sorted(added))
    invoke("ranlib", "-D", library)
    print(f"added {len(added)} objects", flush=True)


def build(*, make_flags: list[str], shell: Path) -> None:
    invoke("make", *make_arguments(shell=shell, make_flags=make_flags, parallel=True), "libs")


def link(*, make_flags: list[str], shell: Path) -> None:
    invoke("make", *make_arguments(shell=shell, make_flags=make_flags, parallel=False), "shared")


def check(*, make_flags: list[str], shell: Path) -> None:
    """The C interface and the regression tests; of these, those of rare extensions take minutes to compile.

    `TARGET` may be more than the machine has that builds; its programs cannot run there.
    """
    if "TARGET=HASWELL" in make_flags and " avx2 " not in Path("/proc/cpuinfo").read_text():
        print("not run: this processor has no AVX2", flush=True)
        return
    options = make_arguments(shell=shell, make_flags=make_flags, parallel=True)
    invoke("make", *options, "openblas_utest", directory="utest")
    invoke("./openblas_utest", directory="utest")
    invoke("make", *options, "all", directory="ctest")
    (library,) = find_files(".", r"^libopenblas_.*\.so$")
    here = f"-Wl,-rpath,{library.parent.resolve()}"
    invoke("gcc", "-O1", "utest/lapack_residuals.c", library, here, "-lm", "-o", "lapack_residuals")
    invoke("./lapack_residuals")


def install(*, make_flags: list[str], outputs: dict[str, Path], shell: Path) -> None:
    options = make_arguments(shell=shell, make_flags=make_flags, parallel=False)
    invoke("make", "install", *options, f"PREFIX={outputs['out']}")
    if not (outputs["out"] / "lib/libopenblas.so.0").exists():
        raise BuildSideError("the library was not installed")


openblas = Package(
    name="openblas",
    version="0.3.29",
    source=lambda p: Origin(
        uri=f"debian://pool/main/o/openblas/openblas_{p.version}+ds.orig.tar.xz",
        sha256="eb691e2cff83799400da22aa6ab93ebaa346ad317fea578b7ae119e226ce1b01",
        patches=("../patches/openblas-test-lapack.patch",),
    ),
    build_system=gnu,
    arguments={
        "make_flags": generic_flags,
        "phases": standard_phases.delete("configure")
        .add_before("build", forget_what_is_missing)
        .replace("build", build)
        .add_after("build", link)
        .add_after("build", add_lapack)
        .replace("check", check)
        .replace("install", install),
    },
    native_inputs=lambda: [lapack.lapack],
    supported_systems=("x86_64-linux",),
    synopsis="Fast linear algebra (BLAS and LAPACK)",
    description=(
        "OpenBLAS has the basic operations of linear algebra, such as the product of matrices, in versions "
        "made for the caches and vector units of processors, on as many threads as wanted, and all of LAPACK "
        "on top. This one is for any x86-64 processor; `openblas-haswell` is for newer ones."
    ),
    home_page="https://www.openblas.net/",
    license=licenses.bsd_3,
)

openblas_haswell = openblas.inherit(
    name="openblas-haswell",
    arguments=lambda: {**openblas.arguments, "make_flags": haswell_flags},
    synopsis="Fast linear algebra for processors with AVX2",
    description=(
        "OpenBLAS with kernels tuned by hand for Intel's Haswell and later, and AMD's Zen: it needs AVX2 and "
        "fused multiplication and addition, and multiplies matrices several times faster than `openblas`. It "
        "can take the place of that in what was built with it, as a transformation of inputs or a graft."
    ),
)
