"""Plugin of pytest: tests that are coroutines."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hypothesis, python_pytest, python_setuptools, python_setuptools_scm

__all__ = ["python_pytest_asyncio"]


python_pytest_asyncio = Package(
    name="python-pytest-asyncio",
    version="1.2.0",
    source=lambda p: Origin(
        uri=(f"pypi://pytest-asyncio/pytest_asyncio-{p.version}.tar.gz",),
        sha256="c609a64a2a8768462d0c99811ddb8bd2583c33fd33cf7f21af1c142e824ffb57",
    ),
    build_system=pyproject,
    arguments={
        "test_flags": ["tests"],
    },
    native_inputs=lambda: [
        python_hypothesis.python_hypothesis,
        python_setuptools.python_setuptools,
        python_setuptools_scm.python_setuptools_scm,
    ],
    propagated_inputs=lambda: [python_pytest.python_pytest],
    synopsis="Plugin of pytest: tests that are coroutines",
    description=(
        "pytest-asyncio lets tests and fixtures of pytest be coroutines, which it runs in a loop of asyncio."
    ),
    home_page="https://github.com/pytest-dev/pytest-asyncio",
    license=licenses.apache2,
)
