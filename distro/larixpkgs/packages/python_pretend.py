"""Stand-ins for objects in tests."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_setuptools

__all__ = ["python_pretend"]


python_pretend = Package(
    name="python-pretend",
    version="1.0.9",
    source=lambda p: Origin(
        uri=(f"pypi://pretend/pretend-{p.version}.tar.gz",),
        sha256="c90eb810cde8ebb06dafcb8796f9a95228ce796531bc806e794c2f4649aa1b10",
    ),
    build_system=pyproject,
    arguments={
        "tests": False,  # the archive has none
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    synopsis="Stand-ins for objects in tests",
    description=(
        "pretend makes simple objects with given attributes and methods, which tests use in the place of "
        "real ones."
    ),
    home_page="https://github.com/alex/pretend",
    license=licenses.bsd_3,
)
