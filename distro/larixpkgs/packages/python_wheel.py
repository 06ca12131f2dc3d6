"""Tool for wheels, the archives of built Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pytest, python_setuptools

__all__ = ["python_wheel"]


python_wheel = Package(
    name="python-wheel",
    version="0.45.1",
    source=lambda p: Origin(
        uri=(f"pypi://wheel/wheel-{p.version}.tar.gz",),
        sha256="661e1abd9198507b1409a20c02106d9670b2576e916d58f520316666abca6729",
    ),
    build_system=pyproject,
    arguments={
        # These two make wheels by a command that setuptools has taken over, and expect it to be as it was.
        "test_flags": ["--ignore=tests/test_bdist_wheel.py", "--ignore=tests/test_tagopt.py"],
    },
    native_inputs=lambda: [
        python_flit_core.python_flit_core,
        python_pytest.python_pytest,
        python_setuptools.python_setuptools,
    ],
    synopsis="Tool for wheels, the archives of built Python packages",
    description=(
        "wheel unpacks, packs, renames and converts wheels, the archives in which built Python packages are "
        "distributed."
    ),
    home_page="https://wheel.readthedocs.io/",
    license=licenses.expat,
)
