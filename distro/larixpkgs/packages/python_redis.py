"""Client of Redis for Python."""

from __future__ import annotations

import os

from larix.buildside.invoke import invoke
from larix.buildside.pyproject import standard_phases
from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatchling, python_pytest, python_pytest_asyncio, redis

__all__ = ["python_redis"]


def start_redis() -> None:
    """The server that the tests are for, at its usual port: a build has the loopback interface to itself."""
    invoke("redis-server", "--daemonize", "yes", "--save", "", "--pidfile", f"{os.getcwd()}/redis.pid")


def stop_redis() -> None:
    invoke("redis-cli", "shutdown", "nosave")


python_redis = Package(
    name="python-redis",
    version="6.4.0",
    source=lambda p: Origin(
        uri=(f"pypi://redis/redis-{p.version}.tar.gz",),
        sha256="b01bc7282b8444e28ec36b261df5375183bb47a07eb9c603f284e89cbc5ef010",
    ),
    build_system=pyproject,
    arguments={
        # Those of one server and of what does without: others want a cluster, modules, or certificates. The
        # settings left out are for plugins that are not here.
        "test_flags": [
            *("-o", "filterwarnings="),
            *("-o", "addopts="),
            *("-k", "not crossslot"),
            "tests/test_command_parser.py",
            "tests/test_encoding.py",
            "tests/test_helpers.py",
            "tests/test_pipeline.py",
            "tests/test_scripting.py",
        ],
        "phases": standard_phases.add_before("check", start_redis).add_after("check", stop_redis),
    },
    native_inputs=lambda: [
        python_hatchling.python_hatchling,
        python_pytest.python_pytest,
        python_pytest_asyncio.python_pytest_asyncio,
        redis.redis,
    ],
    synopsis="Client of Redis for Python",
    description=(
        "redis-py speaks to Redis servers from Python: all commands, pipelines, transactions, scripts, "
        "subscriptions and clusters, also by asyncio."
    ),
    home_page="https://redis-py.readthedocs.io/",
    license=licenses.expat,
)
