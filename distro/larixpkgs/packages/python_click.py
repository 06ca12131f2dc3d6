"""Command lines for Python programs."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pytest

__all__ = ["python_click"]


python_click = Package(
    name="python-click",
    version="8.3.0",
    source=lambda p: Origin(
        uri=(f"pypi://click/click-{p.version}.tar.gz",),
        sha256="e7b8232224eba16f4ebe410c25ced9f7875cb5f3263ffc93cc3e8da705e229c4",
    ),
    build_system=pyproject,
    arguments={
        # A race between a pager and a program that fails.
        "test_flags": ["-k", "not test_echo_via_pager"],
    },
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    synopsis="Command lines for Python programs",
    description=(
        "Click makes command lines from functions: options, arguments, nested commands, help texts, prompts, "
        "colours and completion."
    ),
    home_page="https://click.palletsprojects.com/",
    license=licenses.bsd_3,
)
