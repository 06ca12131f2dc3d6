"""GNU which.

Debian's source is the release without its manual, whose licence it does not accept.
"""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["which"]


which = Package(
    name="which",
    version="2.21",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/g/gnu-which/gnu-which_{p.version}+dfsg.orig.tar.gz",),
        sha256="0d3cfbda99a560b024006d785c9c4cc5605736948ce63b446776a278d58cbdab",
    ),
    build_system=gnu,
    arguments={"make_flags": ["INFO_DEPS="]},
    synopsis="Find commands",
    description=(
        "GNU which tells the file that runs when a command is entered, by looking along PATH, and knows "
        "of aliases and functions when the shell passes it those."
    ),
    home_page="https://savannah.gnu.org/projects/which/",
    license=licenses.gpl3_plus,
)
