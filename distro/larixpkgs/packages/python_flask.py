"""Small framework for web applications."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    python_blinker,
    python_click,
    python_flit_core,
    python_itsdangerous,
    python_jinja2,
    python_markupsafe,
    python_pytest,
    python_werkzeug,
)

__all__ = ["python_flask"]


python_flask = Package(
    name="python-flask",
    version="3.1.2",
    source=lambda p: Origin(
        uri=(f"pypi://flask/flask-{p.version}.tar.gz",),
        sha256="bf656c15c80190ed628ad08cdfd3aaa35beb087855e2f494910aa3774cc4fd87",
    ),
    build_system=pyproject,
    arguments={
        # This one needs asgiref.
        "test_flags": ["-k", "not test_async_view"],
    },
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    propagated_inputs=lambda: [
        python_blinker.python_blinker,
        python_click.python_click,
        python_itsdangerous.python_itsdangerous,
        python_jinja2.python_jinja2,
        python_markupsafe.python_markupsafe,
        python_werkzeug.python_werkzeug,
    ],
    synopsis="Small framework for web applications",
    description=(
        "Flask is a framework for web applications in Python that is small at the start and grows by "
        "extensions: routes, templates, sessions, configuration and a command line."
    ),
    home_page="https://flask.palletsprojects.com/",
    license=licenses.bsd_3,
)
