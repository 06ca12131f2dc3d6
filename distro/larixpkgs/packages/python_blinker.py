"""Signals between objects."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pytest, python_pytest_asyncio

__all__ = ["python_blinker"]


python_blinker = Package(
    name="python-blinker",
    version="1.9.0",
    source=lambda p: Origin(
        uri=(f"pypi://blinker/blinker-{p.version}.tar.gz",),
        sha256="b4ce2265a7abece45e7cc896e98dbebe6cead56bcf805a3d23136d145f5445bf",
    ),
    build_system=pyproject,
    native_inputs=lambda: [
        python_flit_core.python_flit_core,
        python_pytest.python_pytest,
        python_pytest_asyncio.python_pytest_asyncio,
    ],
    synopsis="Signals between objects",
    description=("Blinker lets objects send signals and others receive them without knowing each other."),
    home_page="https://blinker.readthedocs.io/",
    license=licenses.expat,
)
