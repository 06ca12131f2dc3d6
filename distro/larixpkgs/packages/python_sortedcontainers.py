"""Sorted lists, dictionaries and sets in Python."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_setuptools

__all__ = ["python_sortedcontainers"]


python_sortedcontainers = Package(
    name="python-sortedcontainers",
    version="2.4.0",
    source=lambda p: Origin(
        uri=(f"pypi://sortedcontainers/sortedcontainers-{p.version}.tar.gz",),
        sha256="25caa5a06cc30b6b83d11423433f65d1f9d76c4c6a0c90e3379eaa43b9bfdb88",
    ),
    build_system=pyproject,
    arguments={
        "tests": False,  # the archive has none
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    synopsis="Sorted lists, dictionaries and sets in Python",
    description=(
        "sortedcontainers keeps lists, dictionaries and sets sorted, in pure Python and about as fast as "
        "extensions in C."
    ),
    home_page="https://grantjenks.com/docs/sortedcontainers/",
    license=licenses.apache2,
)
