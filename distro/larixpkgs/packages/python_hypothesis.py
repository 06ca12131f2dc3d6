"""Tests from properties."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    python_attrs,
    python_setuptools,
    python_sortedcontainers,
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
    arguments={"tests": False},  # the archive has those of one plugin
    native_inputs=lambda: [
        python_setuptools.python_setuptools,
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
