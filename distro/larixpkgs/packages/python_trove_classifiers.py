"""The classifiers of Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_calver, python_setuptools

__all__ = ["python_trove_classifiers"]


python_trove_classifiers = Package(
    name="python-trove-classifiers",
    version="2025.9.11.17",
    source=lambda p: Origin(
        uri=(f"pypi://trove-classifiers/trove_classifiers-{p.version}.tar.gz",),
        sha256="931ca9841a5e9c9408bc2ae67b50d28acf85bef56219b56860876dd1f2d024dd",
    ),
    build_system=pyproject,
    arguments={
        # pytest, which they need, is made with this.
        "tests": False,
    },
    native_inputs=lambda: [python_calver.python_calver, python_setuptools.python_setuptools],
    synopsis="The classifiers of Python packages",
    description=(
        "trove-classifiers lists the classifiers by which Python packages are sorted, so that build tools "
        "can check those of a package."
    ),
    home_page="https://github.com/pypa/trove-classifiers",
    license=licenses.apache2,
)
