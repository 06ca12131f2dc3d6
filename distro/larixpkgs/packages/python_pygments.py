"""Highlight the syntax of programs."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatchling, python_pytest

__all__ = ["python_pygments", "python_pygments_bootstrap"]


python_pygments: Package = Package(
    name="python-pygments",
    version="2.19.2",
    source=lambda p: Origin(
        uri=(f"pypi://pygments/pygments-{p.version}.tar.gz",),
        sha256="636cb2477cec7f8952536970bc533bc43743542f70392ae026374600add5b887",
    ),
    build_system=pyproject,
    arguments={
        # Those of formats. Those of each language, and of examples in it, are thousands and left to upstream.
        "test_flags": [
            "tests/test_html_formatter.py",
            "tests/test_terminal_formatter.py",
            "tests/test_token.py",
        ],
    },
    native_inputs=lambda: [python_hatchling.python_hatchling, python_pytest.python_pytest_bootstrap],
    synopsis="Highlight the syntax of programs",
    description=(
        "Pygments reads texts in five hundred languages and writes them with their syntax highlighted, for "
        "terminals, web pages and papers."
    ),
    home_page="https://pygments.org/",
    license=licenses.bsd_2,
)

# pytest and build back ends are made with this, before tests can run.
python_pygments_bootstrap: Package = python_pygments.inherit(
    name="python-pygments-bootstrap",
    arguments={"tests": False},
    native_inputs=lambda: [python_hatchling.python_hatchling_bootstrap],
    hidden=True,
)
