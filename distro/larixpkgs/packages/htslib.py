"""HTSlib, and the programs that are made with it and released with it: SAMtools and BCFtools.

Debian's sources are the trees that the releases were tagged at, HTSlib's without its copy of htscodecs. They
come without `configure`, which needs nothing of Automake.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import install_file
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import autoconf, bzip2, curl, htscodecs, ncurses, openssl, perl, xz, zlib

__all__ = ["bcftools", "htslib", "samtools"]

HOME = "https://www.htslib.org/"


def bootstrap(*, native_inputs: dict[str, Path]) -> None:
    for name in ("config.guess", "config.sub", "install-sh"):
        install_file(native_inputs["autoconf"] / "share/autoconf/build-aux" / name, ".")
    invoke("autoheader")
    invoke("autoconf", "--warnings=no-syntax")


htslib = Package(
    name="htslib",
    version="1.16",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/h/htslib/htslib_{p.version}+ds.orig.tar.bz2",),
        sha256="2d10941e47cf0c05d1496e73e2beaef39e7584eb326367476b12cad04e7794be",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--enable-gcs",
            "--enable-libcurl",
            "--enable-s3",
            "--with-external-htscodecs",
            "--without-libdeflate",  # the package needs CMake, which takes ten times as long to build as this
        ],
        "phases": standard_phases.replace("bootstrap", bootstrap),
        "parallel_tests": False,
    },
    native_inputs=lambda: [autoconf.autoconf, perl.perl],
    inputs=lambda: [
        bzip2.bzip2,
        curl.curl,
        htscodecs.htscodecs,
        openssl.openssl,
        xz.xz,
        zlib.zlib,
    ],
    synopsis="Read and write what sequencing machines found",
    description=(
        "HTSlib is a library for the formats of high-throughput sequencing: SAM, BAM and CRAM for aligned "
        "reads, VCF and BCF for variants, FASTA and FASTQ for sequences, in files or over the network, with "
        "their indices. The programs `bgzip`, `tabix` and `htsfile` compress, index and name such files."
    ),
    home_page=HOME,
    license=(licenses.expat, licenses.bsd_3),
)

samtools = Package(
    name="samtools",
    version="1.16.1",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/s/samtools/samtools_{p.version}.orig.tar.gz",),
        sha256="70a7f358088929272d8c22d6063290ac8420f5351fba237a99fe17851a45d8be",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.replace("bootstrap", bootstrap),
        "parallel_tests": False,
    },
    native_inputs=lambda: [autoconf.autoconf],
    inputs=lambda: [htslib, ncurses.ncurses, perl.perl, zlib.zlib],
    synopsis="Work on aligned reads of sequences",
    description=(
        "SAMtools views, sorts, indexes, merges, filters and counts sequencing reads that were aligned to a "
        "reference, in the formats SAM, BAM and CRAM, marks duplicates, calls consensus sequences, and tells "
        "about depth and quality."
    ),
    home_page=HOME,
    license=licenses.expat,
)

bcftools = Package(
    name="bcftools",
    version="1.16",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/b/bcftools/bcftools_{p.version}.orig.tar.gz",),
        sha256="c44c85a04e058e1f1eceeb712106031100bbd700b8ff3f623f7ff872469a4ba3",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.replace("bootstrap", bootstrap),
        "parallel_tests": False,
    },
    native_inputs=lambda: [autoconf.autoconf],
    inputs=lambda: [htslib, perl.perl, zlib.zlib],
    synopsis="Call variants of genomes, and work on them",
    description=(
        "BCFtools calls variants from aligned reads, and views, filters, merges, compares, normalizes and "
        "annotates them in the formats VCF and BCF; its plug-ins do more, from checks of Mendel's rules to "
        "the repair of tags."
    ),
    home_page=HOME,
    license=licenses.expat,
)
