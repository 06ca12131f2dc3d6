"""GNU ed.

Upstream publishes its releases compressed with lzip; Debian has the same files compressed with gzip.
"""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["ed"]


ed = Package(
    name="ed",
    version="1.19",
    source=lambda p: Origin(
        uri=f"debian://pool/main/e/ed/ed_{p.version}.orig.tar.gz",
        sha256="8e5c3e7c84972e73957ff396b8318a21795f86547dd1fe4ec4232a9e6e44ca1d",
    ),
    build_system=gnu,
    synopsis="The line editor",
    description=(
        "ed edits text line by line, by commands that a person types or a script holds. It is the standard "
        "editor of Unix, and does what other editors do on machines where these do not run."
    ),
    home_page="https://www.gnu.org/software/ed/",
    license=licenses.gpl2_plus,
)
