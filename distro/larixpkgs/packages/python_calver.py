"""Versions of Python packages by the calendar."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_setuptools

__all__ = ["python_calver"]


python_calver = Package(
    name="python-calver",
    version="2025.4.17",
    source=lambda p: Origin(
        uri=(f"pypi://calver/calver-{p.version}.tar.gz",),
        sha256="460702737d620f5c3d4175450485180a1b7f7a422c5db0e6af3e655c7395ec7e",
    ),
    build_system=pyproject,
    arguments={
        # They need packages that are made with this.
        "tests": False,
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    synopsis="Versions of Python packages by the calendar",
    description="calver lets setuptools take the date as the version of a package.",
    home_page="https://github.com/di/calver",
    license=licenses.apache2,
)
