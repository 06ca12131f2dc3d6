"""Templates with expressions like those of Python."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_markupsafe, python_pytest

__all__ = ["python_jinja2"]


python_jinja2 = Package(
    name="python-jinja2",
    version="3.1.6",
    source=lambda p: Origin(
        uri=(
            f"pypi://jinja2/jinja2-{p.version}.tar.gz",
            f"debian://pool/main/j/jinja2/jinja2_{p.version}.orig.tar.gz",
        ),
        sha256="0137fb05990d35f1275a587e9aee6d56da821fc83491a0fb838183be43f66d6d",
    ),
    build_system=pyproject,
    arguments={
        # These need Trio.
        "test_flags": ["--ignore=tests/test_async.py", "--ignore=tests/test_async_filters.py"],
    },
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    propagated_inputs=lambda: [python_markupsafe.python_markupsafe],
    synopsis="Templates with expressions like those of Python",
    description=(
        "Jinja renders text from templates with expressions like those of Python, inheritance, macros, "
        "filters and automatic escaping, in a sandbox if wanted."
    ),
    home_page="https://jinja.palletsprojects.com/",
    license=licenses.bsd_3,
)
