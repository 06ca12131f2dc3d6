"""Redis. Of its three licences, larix takes the free one; TLS is left out."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import install_file, mkdir_p, substitute
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import tcl

__all__ = ["redis"]

# Values, transactions, messages, users and the program for clients. The whole suite takes an hour.
TESTS = tuple(
    f"unit/{name}" for name in ("type/incr", "keyspace", "multi", "pubsub", "auth", "protocol", "quit")
)


def make_flags(*, outputs: dict[str, Path]) -> list[str]:
    # Optimization across files makes the build thrice as long.
    return ["DEBUG=", "OPTIMIZATION=-O2", "PYTHON=python3", "V=1", f"PREFIX={outputs['out']}"]


def make_tests_run(*, shell: Path) -> None:
    """They name programs by their places on other systems, and `kill`, which only the shell has here."""
    program = mkdir_p("larix-tools") / "kill"
    program.write_text(f'#!{shell}\nkill "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    os.environ["PATH"] += f":{program.parent.absolute()}"
    substitute("tests/support/util.tcl", (r"exec /bin/kill\b", "exec kill"))
    substitute("tests/support/server.tcl", (r"exec /usr/bin/env\b", "exec env"))


def check() -> None:
    tests = [word for name in TESTS for word in ("--single", name)]
    invoke("tclsh", "tests/test_helper.tcl", "--clients", "1", "--tags", "-slow", *tests)


def install_settings(*, outputs: dict[str, Path]) -> None:
    for name in ("redis.conf", "sentinel.conf"):
        install_file(name, outputs["out"] / "etc" / "redis")


redis = Package(
    name="redis",
    version="8.0.6",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/redis/redis/archive/refs/tags/{p.version}.tar.gz",
            f"debian://pool/main/r/redis/redis_{p.version}.orig.tar.gz",
        ),
        file_name=f"redis-{p.version}.tar.gz",
        sha256="763bf3005bcbf77c1d8145016a9627e45219665f99cf5a736bc73ec70faf0c8e",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        "phases": standard_phases.delete("configure")
        .add_before("check", make_tests_run)
        .replace("check", check)
        .add_after("install", install_settings),
    },
    native_inputs=lambda: [tcl.tcl],
    synopsis="Database in memory, for keys and structured values",
    description=(
        "Redis is a server that keeps strings, lists, sets, hashes, streams and more in memory under keys, "
        "and works on them in place: as a cache, a queue, a counter or a database. It writes what it holds "
        "to disk, copies it to other servers, runs scripts and carries messages."
    ),
    home_page="https://redis.io/",
    license=(licenses.agpl3, licenses.bsd_3),
)
