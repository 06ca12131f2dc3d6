"""Plugins and hooks for Python programs."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_pytest, python_setuptools, python_setuptools_scm

__all__ = ["python_pluggy", "python_pluggy_bootstrap"]


python_pluggy: Package = Package(
    name="python-pluggy",
    version="1.6.0",
    source=lambda p: Origin(
        uri=(f"pypi://pluggy/pluggy-{p.version}.tar.gz",),
        sha256="7dcc130b76258d33b90f61b658791dede3486c3e6bfb003ee5c9bfb396dd22f3",
    ),
    build_system=pyproject,
    arguments={
        # One file measures speed, with a plugin that is not here.
        "test_flags": ["--ignore=testing/benchmark.py", "testing"],
    },
    native_inputs=lambda: [
        python_pytest.python_pytest_bootstrap,
        python_setuptools.python_setuptools,
        python_setuptools_scm.python_setuptools_scm_bootstrap,
    ],
    synopsis="Plugins and hooks for Python programs",
    description="pluggy lets programs declare hooks and plugins implement them. pytest is made of it.",
    home_page="https://pluggy.readthedocs.io/",
    license=licenses.expat,
)

# pytest and build back ends are made with this, before tests can run.
python_pluggy_bootstrap: Package = python_pluggy.inherit(
    name="python-pluggy-bootstrap",
    arguments={"tests": False},
    native_inputs=lambda: [
        python_setuptools.python_setuptools,
        python_setuptools_scm.python_setuptools_scm_bootstrap,
    ],
    hidden=True,
)
