"""Classes without boilerplate."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatch_fancy_pypi_readme, python_hatch_vcs, python_hatchling

__all__ = ["python_attrs"]


python_attrs = Package(
    name="python-attrs",
    version="25.3.0",
    source=lambda p: Origin(
        uri=(f"pypi://attrs/attrs-{p.version}.tar.gz",),
        sha256="75d7cefc7fb576747b2c81b4442d4d4a1ce0900973527c011d1030fd3bf4af1b",
    ),
    build_system=pyproject,
    arguments={
        # pytest is tested with this, and some need other packages that need this.
        "tests": False,
    },
    native_inputs=lambda: [
        python_hatch_fancy_pypi_readme.python_hatch_fancy_pypi_readme,
        python_hatch_vcs.python_hatch_vcs,
        python_hatchling.python_hatchling,
    ],
    synopsis="Classes without boilerplate",
    description=(
        "attrs writes the methods of classes that are mostly data, with defaults, converters, validators, "
        "slots and immutability."
    ),
    home_page="https://www.attrs.org/",
    license=licenses.expat,
)
