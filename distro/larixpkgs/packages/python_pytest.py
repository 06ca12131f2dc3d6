"""Test framework for Python."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    python_iniconfig,
    python_packaging,
    python_pluggy,
    python_pygments,
    python_setuptools,
    python_setuptools_scm,
)

__all__ = ["python_pytest", "python_pytest_bootstrap"]


python_pytest = Package(
    name="python-pytest",
    version="8.4.2",
    source=lambda p: Origin(
        uri=(f"pypi://pytest/pytest-{p.version}.tar.gz",),
        sha256="86c0d0b93306b961d58d62a4db4879f27fe25513d4b969df351abdddb3c30e01",
    ),
    build_system=pyproject,
    arguments={
        # A representative part: all of them take six minutes, mostly to start other copies of pytest.
        "test_flags": [
            "testing/code/test_excinfo.py",
            "testing/code/test_source.py",
            "testing/io/test_saferepr.py",
            "testing/test_compat.py",
            "testing/test_mark_expression.py",
            "testing/test_monkeypatch.py",
        ],
    },
    native_inputs=lambda: [
        python_setuptools.python_setuptools,
        python_setuptools_scm.python_setuptools_scm,
    ],
    propagated_inputs=lambda: [
        python_iniconfig.python_iniconfig,
        python_packaging.python_packaging,
        python_pluggy.python_pluggy,
        python_pygments.python_pygments,
    ],
    synopsis="Test framework for Python",
    description=(
        "pytest finds and runs tests that are plain functions with plain assertions, tells in detail why one "
        "fails, and is extended by fixtures and many plugins."
    ),
    home_page="https://docs.pytest.org/",
    license=licenses.expat,
)

# Runs the tests of what pytest itself needs.
python_pytest_bootstrap = python_pytest.inherit(
    name="python-pytest-bootstrap",
    arguments={"tests": False},
    native_inputs=lambda: [
        python_setuptools.python_setuptools,
        python_setuptools_scm.python_setuptools_scm_bootstrap,
    ],
    propagated_inputs=lambda: [
        python_iniconfig.python_iniconfig,
        python_packaging.python_packaging_bootstrap,
        python_pluggy.python_pluggy_bootstrap,
        python_pygments.python_pygments_bootstrap,
    ],
    hidden=True,
)
