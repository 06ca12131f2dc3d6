"""GEMMA: mixed models for genetics.

Debian's source is the release without libraries that came along.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import copy_recursively, install_file
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import gsl, openblas, zlib

__all__ = ["gemma"]

TOLERANCE = 0.001  # upstream's
# On example/HLC, of which these make a table of 223,000 rows: minutes.
LONG = ("test_plink_covariates_lmm",)


def write_version(*, version: str) -> None:
    """Upstream's script writes the day of the build."""
    Path("src/version.h").write_text(
        f'#define GEMMA_VERSION "{version}"\n'
        '#define GEMMA_DATE "2021-08-25"\n'
        '#define GEMMA_YEAR "2021"\n'
        '#define GEMMA_PROFILE ""\n'
    )


def build(*, inputs: dict[str, Path], shell: Path) -> None:
    flags = [
        f"OPENBLAS_INCLUDE_PATH={inputs['openblas']}/include",
        f"EXTRA_FLAGS={os.environ['LDFLAGS']}",
        "VGEN=/dev/null",
    ]
    os.utime("src/version.h")
    invoke("make", *make_arguments(shell=shell, make_flags=flags, parallel=True), "release")


def check() -> None:
    """Upstream's tests are a list of command lines and expected entries in Ruby, which this reads."""
    os.environ["GSL_RNG_SEED"] = "100"
    text = Path("test/dev_tests.rb").read_text()
    pattern = r'def (test_\w+)|gemma\("([^"]*)"\)|expect\(["\']([^"\']+)["\'],\s*\[(\[.*?\])\]\)'
    count, test = 0, ""
    for name, words, file, expected in re.findall(pattern, text, re.DOTALL):
        test = name or test
        if test in LONG:
            continue
        if words:
            invoke("./bin/gemma", "-debug", "-check", *words.replace("\\\n", " ").split())
        for line, column, value in re.findall(
            r'\[\s*(:max|\d+)\s*,\s*("\w+"|\d+)\s*,\s*"([^"]+)"\s*\]', expected
        ):
            found = entry(Path(file), line, column)
            if not (found == value or abs(float(found) - float(value)) < TOLERANCE):
                raise BuildSideError(f"{test}: {file} has {found}, not {value}, in {line}, {column}")
            count += 1
    if count < 9:
        raise BuildSideError(f"only {count} entries were looked at")
    print(f"{count} entries are as expected", flush=True)


def entry(file: Path, line: str, column: str) -> str:
    """What a table has in a line, or the greatest, of a column, which has a number or a name."""
    rows = [row.split("\t") for row in file.read_text().splitlines()]
    at = rows[0].index(column.strip('"')) if column.startswith('"') else int(column)
    if line == ":max":
        return max((row[at] for row in rows[1:]), key=float)
    return rows[int(line)][at]


def install(*, outputs: dict[str, Path], version: str) -> None:
    """The examples, which the documentation works with, are an output of their own: they are large."""
    install_file("bin/gemma", outputs["out"] / "bin")
    documentation = outputs["doc"] / f"share/doc/gemma-{version}"
    for file in ("README.md", "INSTALL.md", "RELEASE-NOTES.md"):
        install_file(file, documentation)
    copy_recursively("example", documentation / "example")


gemma = Package(
    name="gemma",
    version="0.98.5",
    source=lambda p: Origin(
        uri=f"debian://pool/main/g/gemma/gemma_{p.version}+dfsg.orig.tar.xz",
        sha256="6a9741ad53d2c581d0fb850de5807ca61fb3449f1d198bbab78291487187619a",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.delete("configure")
        .add_before("build", write_version)
        .replace("build", build)
        .replace("check", check)
        .replace("install", install),
    },
    inputs=lambda: [gsl.gsl, openblas.openblas, zlib.zlib],
    outputs=("out", "doc"),
    supported_systems=("x86_64-linux",),
    synopsis="Genome-wide association with mixed models",
    description=(
        "GEMMA finds out which variants of a genome go with a trait. It fits linear mixed models, which "
        "allow for how individuals are related, for one trait or several, and Bayesian sparse mixed models, "
        "and estimates how much of a trait the genome explains."
    ),
    home_page="https://github.com/genetics-statistics/GEMMA",
    license=licenses.gpl3,
)
