"""htscodecs, the release that belongs to HTSlib as it is here."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import bzip2

__all__ = ["htscodecs"]

RELEASES = "https://github.com/samtools/htscodecs/releases/download"

htscodecs = Package(
    name="htscodecs",
    version="1.3.0",
    source=lambda p: Origin(
        uri=(
            f"{RELEASES}/v{p.version}/htscodecs-{p.version}.tar.gz",
            f"debian://pool/main/h/htscodecs/htscodecs_{p.version}.orig.tar.gz",
        ),
        sha256="696c0affbfa7e59276e0dfc71dcba2f04b0a6db12998f30f1baf2fc21e9113f4",
    ),
    build_system=gnu,
    arguments={"configure_flags": ["--disable-static"]},
    inputs=lambda: [bzip2.bzip2],
    synopsis="Compress the columns of CRAM files",
    description=(
        "htscodecs is a library of entropy coders and of models for what sequencing machines write: names of "
        "reads, qualities, numbers. They are the compression methods of the CRAM format."
    ),
    home_page="https://github.com/samtools/htscodecs",
    license=(licenses.bsd_3, licenses.public_domain),
)
