"""Tests from properties."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    python_attrs,
    python_pytest,
    python_setuptools,
    python_sortedcontainers,
    python_wheel,
)

__all__ = ["python_hypothesis"]


python_hypothesis = Package(
    name="python-hypothesis",
    version="6.140.2",
    source=lambda p: Origin(
        uri=(f"pypi://hypothesis/hypothesis-{p.version}.tar.gz",),
        sha256="b3b4a162134eeef8a992621de6c43d80e03d44704a3c3bfb5b9d0661b375b0d2",
    ),
    build_system=pyproject,
    arguments={
        # A representative part: all of them take half an hour, and many more packages.
        "test_flags": [
            "-o",
            "addopts=",
            "tests/cover/test_testdecorators.py",
            "tests/cover/test_simple_strings.py",
        ],
    },
    native_inputs=lambda: [
        python_pytest.python_pytest,
        python_setuptools.python_setuptools,
        python_wheel.python_wheel,
    ],
    propagated_inputs=lambda: [python_attrs.python_attrs, python_sortedcontainers.python_sortedcontainers],
    synopsis="Tests from properties",
    description=(
        "Hypothesis tests that a property holds for values that it makes up, and reduces those for which it "
        "does not to the simplest."
    ),
    home_page="https://hypothesis.works/",
    license=licenses.mpl2_0,
)
