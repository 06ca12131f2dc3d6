"""Versions of Python packages from version control."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_packaging, python_setuptools

__all__ = ["python_setuptools_scm", "python_setuptools_scm_bootstrap"]


python_setuptools_scm = Package(
    name="python-setuptools-scm",
    version="8.3.1",
    source=lambda p: Origin(
        uri=(f"pypi://setuptools-scm/setuptools_scm-{p.version}.tar.gz",),
        sha256="3d555e92b75dacd037d32bafdf94f97af51ea29ae8c7b234cf94b7a5bd242a63",
    ),
    build_system=pyproject,
    arguments={
        # They make repositories with git and Mercurial, and are made for a clone of one.
        "tests": False,
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    propagated_inputs=lambda: [python_packaging.python_packaging, python_setuptools.python_setuptools],
    synopsis="Versions of Python packages from version control",
    description=(
        "setuptools-scm takes the version of a package from the tags of its repository, or from what a "
        "source archive says of itself."
    ),
    home_page="https://setuptools-scm.readthedocs.io/",
    license=licenses.expat,
)

# With what is there before tests can run.
python_setuptools_scm_bootstrap = python_setuptools_scm.inherit(
    name="python-setuptools-scm-bootstrap",
    arguments={"tests": False},
    native_inputs=lambda: [python_setuptools.python_setuptools],
    propagated_inputs=lambda: [
        python_packaging.python_packaging_bootstrap,
        python_setuptools.python_setuptools,
    ],
    hidden=True,
)
