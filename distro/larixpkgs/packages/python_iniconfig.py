"""Read .ini files in their order."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatch_vcs, python_hatchling

__all__ = ["python_iniconfig"]


python_iniconfig: Package = Package(
    name="python-iniconfig",
    version="2.1.0",
    source=lambda p: Origin(
        uri=(f"pypi://iniconfig/iniconfig-{p.version}.tar.gz",),
        sha256="3abbd2e30b36733fee78f9c7f7308f2d0050e88f0087fd25c2645f63c773e1c7",
    ),
    build_system=pyproject,
    arguments={
        "tests": False,  # the archive has none
    },
    native_inputs=lambda: [
        python_hatch_vcs.python_hatch_vcs_bootstrap,
        python_hatchling.python_hatchling_bootstrap,
    ],
    synopsis="Read .ini files in their order",
    description=(
        "iniconfig reads files in the .ini format and keeps the order of what is in them, with the lines of "
        "its places."
    ),
    home_page="https://github.com/pytest-dev/iniconfig",
    license=licenses.expat,
)
