"""LAPACK in C, translated from the reference Fortran by f2c: the toolchain has no compiler for Fortran.

Most of LAPACK is Fortran 77. `fortran77` rewrites the few newer statements; what is newer throughout is
written in C (`patches/lapack-in-c.patch`) or left out, see `LEFT_OUT`. The archive is meant to become part
of a library that has the BLAS. Real functions give what C calls float and double, as gfortran's do.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, install_file, mkdir_p
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import f2c

__all__ = ["lapack"]

# Routines in which arrays are values, and those that need them: dynamic mode decomposition, the rational QZ
# algorithm, the Sylvester equation by blocks, singular values by bisection. So are the solvers with error
# bounds in extended precision, which upstream leaves out too. A library with the BLAS has its own xerbla.
LEFT_OUT = (
    r"\w(gedmdq?|laqz\d|gges3|ggev3|trsyl3|bdsvdx|gesvdx|lahilb|(ge|gb|po|sy|he)rfsx)\."
    r"|xerbla(_array)?\.|la_"
)
OF_INSTALL = ("dsecnd_NONE.f", "ilaver.f", "lsame.f", "second_NONE.f")

DECLARATION = (
    r"(\s+(?:DOUBLE PRECISION|REAL|INTEGER|LOGICAL|CHARACTER|COMPLEX(?:\*16)?))\s*"
    r"(?:,\s*INTENT\s*\([^)]*\)\s*)?::\s*(.*)$"
)
CEILING = r"CEILING\(\s*(?:REAL|DBLE)\(([^()]+)\)\s*/\s*(?:REAL|DBLE)\(([^()]+)\)\s*\)"
MAXLOC = r"MAXLOC\(\s*WORK\(\s*(\(?[^:]+?\)?)\s*:\s*(\(?[^:]+?\)?)\s*\),\s*1\s*\)"
FIRST_ONES = r"\b([IR]?WORK)\(1:(\d)\) = 0"
NEW_INTRINSICS = r"\b(?:CEILING|HUGE|MAXLOC)\b\s*(?:,\s*)?"
DO = r"DO\s+(?:(\d+)\s+)?(?:\w+\s*=.*|WHILE\b.*)$"
LEAVE = r"\b(CYCLE|EXIT)\s*$"


def fortran77(text: str, letter: str) -> str:
    """A routine of LAPACK with the statements that f2c knows; `letter` is the first of its name."""
    lines = text.replace("\r", "").split("\n")
    plain: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.strip() and line[0] in " 0123456789":
            plain += old_statements(line[:72].rstrip(), letter, continued=following.startswith("     $"))
    return "\n".join(loops_with_labels(plain)) + "\n"


def old_statements(line: str, letter: str, *, continued: bool) -> list[str]:
    line = re.sub(r"^(\s{6,})RECURSIVE\s+", r"\1", line)  # with `-a` all are
    line = re.sub(r"^(\s{6,}END)\s*(SUBROUTINE|FUNCTION).*", r"\1", line)
    line = re.sub(DECLARATION, r"\1 \2", line)
    if re.match(r"\s{6,}INTRINSIC\b", line):
        line = re.sub(NEW_INTRINSICS, "", line).rstrip()
        line = line if continued else line.rstrip(",")
        return [] if line.strip() == "INTRINSIC" else [line]
    double = letter in "dz"
    line = re.sub(CEILING, r"( ( (\1)+(\2)-1 )/(\2) )", line)
    line = re.sub(MAXLOC, rf"LMAXL{'D' if double else 'S'}( \2-\1+1, WORK( \1 ) )", line)
    line = re.sub(r"HUGE\(\s*ZERO\s*\)", "1.7976931348623157D+308" if double else "3.40282347E+38", line)
    if letter == "z":
        line = re.sub(r"\bAIMAG\b", "DIMAG", line)  # of a number in double precision
    first = re.search(FIRST_ONES, line)
    if first:
        return [f"         {first[1]}({index}) = 0" for index in range(1, int(first[2]) + 1)]
    return [line[:72], *(f"     ${line[at : at + 66]}" for at in range(72, len(line), 66))]


def loops_with_labels(lines: Sequence[str]) -> list[str]:
    """`GO TO` for `CYCLE` and `EXIT`, and for these a label at the end of the loop and after it."""
    done: list[str] = []
    loops: list[dict[str, str]] = []
    label = 90000
    for line in lines:
        statement = line[6:].strip() if line[5:6] in (" ", "") else ""
        start = re.match(DO, statement)
        if start:
            loops.append({"CYCLE": start[1]} if start[1] else {})
        leave = re.search(LEAVE, line)
        if leave and loops:
            label += leave[1] not in loops[-1]
            target = loops[-1].setdefault(leave[1], str(label))
            done.append(f"{line[: leave.start()]}GO TO {target}")
            continue
        if loops and re.fullmatch(r"END\s*DO", statement):
            loop = loops.pop()
            done += [f"{loop['CYCLE']} CONTINUE"] if "CYCLE" in loop else []
            done.append(line)
        else:
            done.append(line)
            at = line[:5].strip()
            if not (loops and at and loops[-1].get("CYCLE") == at):
                continue
            loop = loops.pop()
            while loops and loops[-1].get("CYCLE") == at and "EXIT" not in loop:
                loop = loops.pop()
        done += [f"{loop['EXIT']} CONTINUE"] if "EXIT" in loop else []
    return done


def fortran_files(directory: Path) -> dict[str, str]:
    """The text of each routine that is translated, by the name of its file."""
    sources = [
        *find_files(directory / "SRC", r"\.[fF]$"),
        *find_files(directory / "TESTING/MATGEN", r"\.f$"),
        *[directory / "INSTALL" / name for name in OF_INSTALL],
    ]
    files = [file for file in sources if not re.match(LEFT_OUT, file.name) and "VARIANTS" not in file.parts]
    texts: dict[str, str] = {}
    for file in files:
        if file.suffix == ".F":
            text = capture("gcc", "-E", "-P", "-traditional-cpp", "-x", "c", file)
        else:
            text = file.read_text(encoding="latin-1")
        texts[f"{file.stem.removesuffix('_NONE')}.f"] = text
    return texts


def in_parallel(command: Sequence[str], files: Sequence[Path], directory: Path) -> None:
    """Run a program on some files at a time, as often as it takes."""
    groups = [[file.name for file in files[at : at + 40]] for at in range(0, len(files), 40)]

    def run(group: Sequence[str]) -> None:
        done = subprocess.run(
            [*command, *group], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            errors = [line for line in os.fsdecode(done.stderr).splitlines() if "rror" in line]
            raise BuildSideError(f"`{command[0]}` ended with status {done.returncode}: {errors}")

    print(f"{' '.join(command)}: {len(files)} files", flush=True)
    with ThreadPoolExecutor(parallel_jobs()) as pool:
        list(pool.map(run, groups))


def translate() -> None:
    work = mkdir_p("c")
    for name, text in fortran_files(Path()).items():
        (work / name).write_text(fortran77(text, name[0]), encoding="latin-1")
    in_parallel(["f2c", "-a", "-A", "-R", "-w"], find_files(work, r"\.f$"), work)
    for file in find_files(work, r"\.c$"):
        # f2c ends names that have an underscore with two.
        text = re.sub(r"\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+)__\b", r"\1_", file.read_text(encoding="latin-1"))
        file.write_text(text, encoding="latin-1")
    for file in find_files("SRC", r"\.c$"):
        install_file(file, work)


def build(*, native_inputs: dict[str, Path]) -> None:
    """The complex functions of the BLAS get new names: f2c wants their value stored through a pointer."""
    by_pointer = [f"-D{name}_={name}_by_pointer_" for name in ("cdotc", "cdotu", "zdotc", "zdotu")]
    # As for Fortran, whose rules for complex arithmetic do not ask for infinities to be mended.
    flags = ["-O2", "-fPIC", "-w", "-ffp-contract=off", "-fno-strict-aliasing", "-fcx-fortran-rules"]
    command = ["gcc", "-c", *flags, *by_pointer, f"-I{native_inputs['f2c']}/include"]
    in_parallel(command, find_files("c", r"\.c$"), Path("c"))
    objects = [file.name for file in find_files("c", r"\.o$")]
    invoke("ar", "rcD", "liblapack_pic.a", *objects, directory="c")


def check() -> None:
    """Each routine is there under Fortran's name for it; the library with the BLAS tests the rest."""
    symbols = capture("nm", "--defined-only", "--format=posix", "c/liblapack_pic.a")
    defined = {line.split()[0] for line in symbols.splitlines() if line.endswith(" T") or " T " in line}
    wanted = {f"{name.removesuffix('.f')}_" for name in fortran_files(Path())}
    missing = sorted(wanted - defined)
    if missing:
        raise BuildSideError(f"not in the library: {', '.join(missing)}")
    print(f"{len(wanted)} routines", flush=True)


def install(*, outputs: dict[str, Path], native_inputs: dict[str, Path]) -> None:
    """With libf2c, in one archive, for libraries to take in."""
    install_file("c/liblapack_pic.a", outputs["out"] / "lib")
    install_file(native_inputs["f2c"] / "lib/libf2c.a", outputs["out"] / "lib")


lapack = Package(
    name="lapack",
    version="3.12.1",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/Reference-LAPACK/lapack/archive/refs/tags/v{p.version}.tar.gz",
            f"debian://pool/main/l/lapack/lapack_{p.version}.orig.tar.gz",
        ),
        file_name=f"lapack-{p.version}.tar.gz",
        sha256="2ca6407a001a474d4d4d35f3a61550156050c48016d949f0da0529c0aa052422",
        patches=("../patches/lapack-in-c.patch",),
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.delete("configure")
        .add_before("build", translate)
        .replace("build", build)
        .replace("check", check)
        .replace("install", install),
    },
    native_inputs=lambda: [f2c.f2c],
    synopsis="Linear algebra: equations, eigenvalues, singular values",
    description=(
        "LAPACK solves systems of linear equations and least squares problems, and finds eigenvalues and "
        "singular values, of dense and banded matrices. This is the reference implementation, translated to "
        "C, as an archive that libraries with the BLAS take in; programs use it through OpenBLAS."
    ),
    home_page="https://www.netlib.org/lapack/",
    license=licenses.bsd_3,
)
