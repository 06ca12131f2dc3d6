"""Build system that is fast and easy to read."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ninja, python_setuptools

__all__ = ["meson"]


meson = Package(
    name="meson",
    version="1.9.1",
    source=lambda p: Origin(
        uri=(f"pypi://meson/meson-{p.version}.tar.gz",),
        sha256="4e076606f2afff7881d195574bddcd8d89286f35a17b4977a216f535dc0c74ac",
    ),
    build_system=pyproject,
    arguments={
        # Those of single functions. The others configure, build and run a thousand projects.
        "test_command": ["python3", "run_unittests.py", "-v", "InternalTests"],
    },
    native_inputs=lambda: [
        ninja.ninja,  # its tests look for one
        python_setuptools.python_setuptools,
    ],
    synopsis="Build system that is fast and easy to read",
    description=(
        "Meson configures builds of programs in C, C++, Fortran, Rust and many other languages from short "
        "descriptions, and leaves the building to Ninja. It knows dependencies, tests, installation and "
        "cross compilation."
    ),
    home_page="https://mesonbuild.com/",
    license=licenses.apache2,
)
