"""Tests of files and commands."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pytest

__all__ = ["python_testpath"]


python_testpath = Package(
    name="python-testpath",
    version="0.6.0",
    source=lambda p: Origin(
        uri=(f"pypi://testpath/testpath-{p.version}.tar.gz",),
        sha256="2f1b97e6442c02681ebe01bd84f531028a7caea1af3825000f52345c30285e0f",
    ),
    build_system=pyproject,
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    synopsis="Tests of files and commands",
    description=(
        "testpath has assertions about files, and stand-ins for commands and directories, for tests."
    ),
    home_page="https://testpath.readthedocs.io/",
    license=licenses.bsd_3,
)
