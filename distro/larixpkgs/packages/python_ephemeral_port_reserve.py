"""Find free ports of the network."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_setuptools

__all__ = ["python_ephemeral_port_reserve"]


python_ephemeral_port_reserve = Package(
    name="python-ephemeral-port-reserve",
    version="1.1.4",
    source=lambda p: Origin(
        uri=(f"pypi://ephemeral-port-reserve/ephemeral_port_reserve-{p.version}.tar.gz",),
        sha256="b8f7da2c97090cb0801949dec1d6d40c97220505b742a70935ffbd43234c14b2",
    ),
    build_system=pyproject,
    arguments={
        "tests": False,  # the archive has none
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    synopsis="Find free ports of the network",
    description=(
        "ephemeral-port-reserve asks the system for a free port and keeps others from getting it before a "
        "program binds it: for tests of servers."
    ),
    home_page="https://github.com/Yelp/ephemeral-port-reserve",
    license=licenses.expat,
)
