"""Versions, requirements and tags of Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pretend, python_pytest

__all__ = ["python_packaging", "python_packaging_bootstrap"]


python_packaging: Package = Package(
    name="python-packaging",
    version="25.0",
    source=lambda p: Origin(
        uri=(
            f"pypi://packaging/packaging-{p.version}.tar.gz",
            f"debian://pool/main/p/python-packaging/python-packaging_{p.version}.orig.tar.gz",
        ),
        sha256="d443872c98d677bf60f6a1f2f8c1cb748e8fe762d2bf9d3148b5599295b0fc4f",
    ),
    build_system=pyproject,
    arguments={
        # The two files left out compare each of many versions with each: fifty thousand tests, for minutes.
        "test_flags": ["--ignore=tests/test_specifiers.py", "--ignore=tests/test_version.py"],
    },
    native_inputs=lambda: [
        python_flit_core.python_flit_core,
        python_pretend.python_pretend,
        python_pytest.python_pytest_bootstrap,
    ],
    synopsis="Versions, requirements and tags of Python packages",
    description=(
        "packaging reads, writes and compares what the standards of Python packaging define: versions, "
        "version ranges, requirements, markers, tags of platforms, metadata and license expressions."
    ),
    home_page="https://packaging.pypa.io/",
    license=(licenses.apache2, licenses.bsd_2),
)

# pytest and build back ends are made with this, before tests can run.
python_packaging_bootstrap: Package = python_packaging.inherit(
    name="python-packaging-bootstrap",
    arguments={"tests": False},
    native_inputs=lambda: [python_flit_core.python_flit_core],
    hidden=True,
)
