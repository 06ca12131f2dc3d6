"""GNU Hello: the first package to try."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["hello"]


hello = Package(
    name="hello",
    version="2.10",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/hello/hello-{p.version}.tar.gz",
            f"debian://pool/main/h/hello/hello_{p.version}.orig.tar.gz",
        ),
        sha256="31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b",
    ),
    build_system=gnu,
    synopsis="Say hello",
    description=(
        "GNU Hello prints a greeting. It is an example of a GNU package: it reads options, speaks many "
        "languages, has a manual and a test suite, and builds the standard way."
    ),
    home_page="https://www.gnu.org/software/hello/",
    license=licenses.gpl3_plus,
)
