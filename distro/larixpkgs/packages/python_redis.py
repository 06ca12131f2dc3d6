"""Client of Redis for Python."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatchling, python_pytest, python_pytest_asyncio

__all__ = ["python_redis"]


python_redis = Package(
    name="python-redis",
    version="6.4.0",
    source=lambda p: Origin(
        uri=(f"pypi://redis/redis-{p.version}.tar.gz",),
        sha256="b01bc7282b8444e28ec36b261df5375183bb47a07eb9c603f284e89cbc5ef010",
    ),
    build_system=pyproject,
    arguments={
        # Those that do without a server; the others want several, with modules.
        "test_flags": ["-o", "timeout=0", "tests/test_encoding.py"],
    },
    native_inputs=lambda: [
        python_hatchling.python_hatchling,
        python_pytest.python_pytest,
        python_pytest_asyncio.python_pytest_asyncio,
    ],
    synopsis="Client of Redis for Python",
    description=(
        "redis-py speaks to Redis servers from Python: all commands, pipelines, transactions, scripts, "
        "subscriptions and clusters, also by asyncio."
    ),
    home_page="https://redis-py.readthedocs.io/",
    license=licenses.expat,
)
