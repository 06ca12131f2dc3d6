"""Texts that are safe in HTML and XML."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_pytest, python_setuptools

__all__ = ["python_markupsafe"]


python_markupsafe = Package(
    name="python-markupsafe",
    version="3.0.3",
    source=lambda p: Origin(
        uri=(f"pypi://markupsafe/markupsafe-{p.version}.tar.gz",),
        sha256="722695808f4b6457b320fdc131280796bdceb04ab50fe1795cd540799ebe1698",
    ),
    build_system=pyproject,
    native_inputs=lambda: [python_pytest.python_pytest, python_setuptools.python_setuptools],
    synopsis="Texts that are safe in HTML and XML",
    description=(
        "MarkupSafe marks texts that may stand in HTML or XML as they are, and escapes all others that are "
        "joined with them."
    ),
    home_page="https://markupsafe.palletsprojects.com/",
    license=licenses.bsd_3,
)
