"""Plugin of hatchling: descriptions put together from parts."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatchling

__all__ = ["python_hatch_fancy_pypi_readme"]


python_hatch_fancy_pypi_readme = Package(
    name="python-hatch-fancy-pypi-readme",
    version="25.1.0",
    source=lambda p: Origin(
        uri=(f"pypi://hatch-fancy-pypi-readme/hatch_fancy_pypi_readme-{p.version}.tar.gz",),
        sha256="9c58ed3dff90d51f43414ce37009ad1d5b0f08ffc9fc216998a06380f01c0045",
    ),
    build_system=pyproject,
    arguments={
        # Most make wheels through tools that fetch from the network.
        "tests": False,
    },
    native_inputs=lambda: [python_hatchling.python_hatchling],
    propagated_inputs=lambda: [python_hatchling.python_hatchling],
    synopsis="Plugin of hatchling: descriptions put together from parts",
    description=(
        "hatch-fancy-pypi-readme makes the long description of a Python package from files, parts of files "
        "and texts, with substitutions."
    ),
    home_page="https://github.com/hynek/hatch-fancy-pypi-readme",
    license=licenses.expat,
)
