"""Build back end of Flit for Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses

__all__ = ["python_flit_core"]


python_flit_core = Package(
    name="python-flit-core",
    version="3.12.0",
    source=lambda p: Origin(
        uri=(f"pypi://flit-core/flit_core-{p.version}.tar.gz",),
        sha256="18f63100d6f94385c6ed57a72073443e1a71a4acb4339491615d0f16d6ff01b2",
    ),
    build_system=pyproject,
    arguments={
        # They need pytest and testpath, which are made with this. All that is built with it tests it.
        "tests": False,
    },
    synopsis="Build back end of Flit for Python packages",
    description=(
        "flit-core makes wheels and source archives of Python packages whose metadata is in pyproject.toml "
        "and whose contents need no compiling. It needs nothing but Python itself."
    ),
    home_page="https://flit.pypa.io/",
    license=licenses.bsd_3,
)
