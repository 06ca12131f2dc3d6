"""Tools for web applications in Python."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    python_ephemeral_port_reserve,
    python_flit_core,
    python_markupsafe,
    python_pytest,
)

__all__ = ["python_werkzeug"]


python_werkzeug = Package(
    name="python-werkzeug",
    version="3.1.3",
    source=lambda p: Origin(
        uri=(f"pypi://werkzeug/werkzeug-{p.version}.tar.gz",),
        sha256="60723ce945c19328679790e3282cc758aa4a6040e4bb330f53d30fa546d44746",
    ),
    build_system=pyproject,
    arguments={
        # The file left out starts servers for development, with packages that are not here.
        "test_flags": ["--ignore=tests/test_serving.py", "-W", "ignore::pytest.PytestUnknownMarkWarning"],
    },
    native_inputs=lambda: [
        python_ephemeral_port_reserve.python_ephemeral_port_reserve,
        python_flit_core.python_flit_core,
        python_pytest.python_pytest,
    ],
    propagated_inputs=lambda: [python_markupsafe.python_markupsafe],
    synopsis="Tools for web applications in Python",
    description=(
        "Werkzeug has what web applications by the interface WSGI are made of: requests and responses, "
        "headers, forms, routes, cookies, a client for tests and a server for development."
    ),
    home_page="https://werkzeug.palletsprojects.com/",
    license=licenses.bsd_3,
)
