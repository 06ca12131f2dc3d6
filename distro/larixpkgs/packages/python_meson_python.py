"""Build back end for Python packages with Meson."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    meson,
    ninja,
    python_packaging,
    python_pyproject_metadata,
    python_pytest,
    python_wheel,
)

__all__ = ["python_meson_python"]


python_meson_python = Package(
    name="python-meson-python",
    version="0.18.0",
    source=lambda p: Origin(
        uri=(f"pypi://meson-python/meson_python-{p.version}.tar.gz",),
        sha256="c56a99ec9df669a40662fe46960321af6e4b14106c14db228709c1628e23848d",
    ),
    build_system=pyproject,
    arguments={
        # Those that build nothing: the others build and install packages with tools that fetch.
        "test_flags": ["tests/test_tags.py", "tests/test_wheelfile.py"],
    },
    native_inputs=lambda: [ninja.ninja, python_pytest.python_pytest, python_wheel.python_wheel],
    propagated_inputs=lambda: [
        meson.meson,
        python_packaging.python_packaging,
        python_pyproject_metadata.python_pyproject_metadata,
    ],
    synopsis="Build back end for Python packages with Meson",
    description=(
        "meson-python makes wheels of Python packages that Meson configures and Ninja builds: mostly those "
        "with extension modules."
    ),
    home_page="https://mesonbuild.com/meson-python/",
    license=licenses.expat,
)
