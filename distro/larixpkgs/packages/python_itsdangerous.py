"""Sign data that passes through untrusted hands."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core, python_pytest

__all__ = ["python_itsdangerous"]


python_itsdangerous = Package(
    name="python-itsdangerous",
    version="2.2.0",
    source=lambda p: Origin(
        uri=(f"pypi://itsdangerous/itsdangerous-{p.version}.tar.gz",),
        sha256="e0050c0b7da1eea53ffaf149c0cfbb5c6e2e2b69c4bef22c81fa6eb73e5f6173",
    ),
    build_system=pyproject,
    arguments={
        # These two need a package that stops the clock.
        "test_flags": [
            "--ignore=tests/test_itsdangerous/test_timed.py",
            "--ignore=tests/test_itsdangerous/test_url_safe.py",
        ],
    },
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    synopsis="Sign data that passes through untrusted hands",
    description=(
        "ItsDangerous signs data with a secret, so that it can be given away and trusted when it comes back "
        "unchanged: in cookies and links of web applications."
    ),
    home_page="https://itsdangerous.palletsprojects.com/",
    license=licenses.bsd_3,
)
