"""Server for Python web applications."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_packaging, python_pytest, python_setuptools

__all__ = ["gunicorn"]


gunicorn = Package(
    name="gunicorn",
    version="23.0.0",
    source=lambda p: Origin(
        uri=(f"pypi://gunicorn/gunicorn-{p.version}.tar.gz",),
        sha256="f014447a0101dc57e294f6c18ca6b40227a4c90e9bdb586042628030cba004ec",
    ),
    build_system=pyproject,
    arguments={
        # They measure coverage by default; two files are about workers that need gevent and eventlet.
        "test_flags": [
            *("-o", "addopts="),
            "--ignore=tests/workers/test_geventlet.py",
            "--ignore=tests/workers/test_ggevent.py",
        ],
    },
    native_inputs=lambda: [python_pytest.python_pytest, python_setuptools.python_setuptools],
    propagated_inputs=lambda: [python_packaging.python_packaging],
    synopsis="Server for Python web applications",
    description=(
        "Gunicorn serves web applications by the interface WSGI to HTTP: a master process keeps workers "
        "running, which share its sockets, and replaces them without an interruption."
    ),
    home_page="https://gunicorn.org/",
    license=licenses.expat,
)
