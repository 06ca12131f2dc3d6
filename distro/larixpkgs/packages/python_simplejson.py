"""simplejson, built by its setup.py."""

from __future__ import annotations

import os

from larix.buildside.python import standard_phases
from larix.buildsystems.python import python
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_setuptools

__all__ = ["python_simplejson"]


def require_fast_part() -> None:
    """Else a build that cannot compile it would do without and say nothing."""
    os.environ["REQUIRE_SPEEDUPS"] = "1"


python_simplejson = Package(
    name="python-simplejson",
    version="3.20.2",
    source=lambda p: Origin(
        uri=(f"pypi://simplejson/simplejson-{p.version}.tar.gz",),
        sha256="5fe7a6ce14d1c300d80d08695b7f7e633de6cd72c80644021874d985b3393649",
    ),
    build_system=python,
    arguments={
        "test_command": ["python3", "-P", "-c", "import simplejson.tests as tests; tests.main()"],
        "phases": standard_phases.add_before("build", require_fast_part),
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    synopsis="Read and write JSON in Python",
    description=(
        "simplejson reads and writes JSON. It is what became the module json of Python's standard library, "
        "developed further, with decimal numbers and other options, and a fast part in C."
    ),
    home_page="https://github.com/simplejson/simplejson",
    license=(licenses.expat, licenses.afl2_1),
)
