"""Call the build back ends of Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pytest, python_setuptools, python_testpath

__all__ = ["python_pyproject_hooks"]


python_pyproject_hooks = Package(
    name="python-pyproject-hooks",
    version="1.2.0",
    source=lambda p: Origin(
        uri=(f"pypi://pyproject-hooks/pyproject_hooks-{p.version}.tar.gz",),
        sha256="1e859bd5c40fae9448642dd871adf459e5e2084186e8d2c2a79a824c970da1f8",
    ),
    build_system=pyproject,
    native_inputs=lambda: [
        python_flit_core.python_flit_core,
        python_pytest.python_pytest,
        python_setuptools.python_setuptools,
        python_testpath.python_testpath,
    ],
    synopsis="Call the build back ends of Python packages",
    description=(
        "pyproject-hooks calls the hooks by which build front ends have Python packages built, each in a "
        "process of its own."
    ),
    home_page="https://pyproject-hooks.readthedocs.io/",
    license=licenses.expat,
)
