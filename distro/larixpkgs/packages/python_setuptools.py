"""Build Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses

__all__ = ["python_setuptools"]


python_setuptools = Package(
    name="python-setuptools",
    version="80.9.0",
    source=lambda p: Origin(
        uri=(f"pypi://setuptools/setuptools-{p.version}.tar.gz",),
        sha256="f36b47402ecde768dbfafc46e8e4207b4360c654f1f3bb84475f0a28628fb19c",
    ),
    build_system=pyproject,
    arguments={
        # They need a dozen packages that are made with this, and a network.
        "tests": False,
    },
    synopsis="Build Python packages",
    description=(
        "setuptools builds, installs and describes Python packages, with extension modules in C too. It is "
        "the oldest back end, and the one that most packages with compiled code use."
    ),
    home_page="https://setuptools.pypa.io/",
    license=licenses.expat,
)
