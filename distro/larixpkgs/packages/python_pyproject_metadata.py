"""Metadata of Python packages from pyproject.toml."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_packaging, python_pytest

__all__ = ["python_pyproject_metadata"]


python_pyproject_metadata = Package(
    name="python-pyproject-metadata",
    version="0.9.1",
    source=lambda p: Origin(
        uri=(f"pypi://pyproject-metadata/pyproject_metadata-{p.version}.tar.gz",),
        sha256="b8b2253dd1b7062b78cf949a115f02ba7fa4114aabe63fa10528e9e1a954a816",
    ),
    build_system=pyproject,
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    propagated_inputs=lambda: [python_packaging.python_packaging],
    synopsis="Metadata of Python packages from pyproject.toml",
    description=(
        "pyproject-metadata reads and checks the project table of pyproject.toml and writes the metadata of "
        "packages from it: for makers of build back ends."
    ),
    home_page="https://pep621.readthedocs.io/",
    license=licenses.expat,
)
