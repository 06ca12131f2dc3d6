"""jq, with the library for regular expressions that comes with it, Oniguruma."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["jq"]


def prepare_tests(*, shell: Path) -> None:
    """A script names the shell, and zones of time, which a build knows by their rules alone."""
    substitute(
        "tests/shtest",
        (r"^SHELL=/bin/sh$", f"SHELL={shell.parent}/sh"),
        (r"\bTZ=Asia/Tokyo\b", "TZ=JST-9"),
        (r"\bTZ=Europe/Paris\b", "TZ=CET-1CEST,M3.5.0,M10.5.0/3"),
        (r"\bTZ=Etc/GMT\+7", "TZ=GMT+7"),
    )


jq = Package(
    name="jq",
    version="1.8.2",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/jqlang/jq/releases/download/jq-{p.version}/jq-{p.version}.tar.gz",
            f"debian://pool/main/j/jq/jq_{p.version}.orig.tar.gz",
        ),
        sha256="71b8d6e8f5fe81f6c6d0d110e3892251f6ce76ed095abd315e26e6e1193af3af",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--disable-static", "--with-oniguruma=builtin"],
        "phases": standard_phases.add_before("check", prepare_tests),
    },
    synopsis="Take JSON apart and put it together",
    description=(
        "jq reads JSON and writes what an expression makes of it: a part, a selection, a table, another "
        "document. Expressions are filters that are joined as commands are in a shell, with functions, "
        "variables and regular expressions."
    ),
    home_page="https://jqlang.org/",
    license=(licenses.expat, licenses.bsd_2, licenses.cc_by3_0),
)
