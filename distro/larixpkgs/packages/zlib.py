"""zlib.

Debian's source is the release without two files of contributed code whose licence it does not accept.
Its bytes are not those of the release.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["zlib"]


def configure(*, outputs: dict[str, Path], shell: Path) -> None:
    """The script is not Autoconf's, and refuses flags that it does not know."""
    invoke(shell, "./configure", f"--prefix={outputs['out']}")


zlib = Package(
    name="zlib",
    version="1.3.1",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/z/zlib/zlib_1.3.dfsg+really{p.version}.orig.tar.gz",),
        sha256="60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb",
    ),
    build_system=gnu,
    arguments={"phases": standard_phases.replace("configure", configure)},
    synopsis="Compression library",
    description=(
        "zlib compresses data in memory with the deflate method and restores it, checks it on the way, "
        "and reads and writes files in the format of gzip."
    ),
    home_page="https://zlib.net/",
    license=licenses.zlib,
)
