"""libevent."""

from __future__ import annotations

import os

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["libevent"]

RELEASES = "https://github.com/libevent/libevent/releases/download"


def use_python_3() -> None:
    scripts = ["event_rpcgen.py", "test/check-dumpevents.py"]
    substitute(scripts, (r"^#!.*\bpython\b.*", "#!/usr/bin/env python3"))
    substitute("test/test.sh", (r"\bpython -c", "python3 -c"))


def leave_out_one_test() -> None:
    """It looks for name servers in a file of the machine."""
    os.environ["REGRESS_ARGS"] = ":dns/initialize_nameservers"


libevent = Package(
    name="libevent",
    version="2.1.12",
    source=lambda p: Origin(
        uri=(
            f"{RELEASES}/release-{p.version}-stable/libevent-{p.version}-stable.tar.gz",
            f"debian://pool/main/libe/libevent/libevent_{p.version}-stable.orig.tar.gz",
        ),
        sha256="92e6de1be9ec176428fd2367677e61ceffc2ee1cb119035037a27d346b0403bb",
    ),
    build_system=gnu,
    arguments={
        # Nothing here wants the part that speaks TLS.
        "configure_flags": ["--disable-openssl", "--disable-static"],
        # The suite is run for each way to wait for events, and waits for three minutes each time. Linux
        # takes this one.
        "make_flags": ["TESTS=test_runner_epoll"],
        "phases": standard_phases.add_after("unpack", use_python_3).add_before("check", leave_out_one_test),
    },
    synopsis="Call functions when events occur",
    description=(
        "libevent lets a program wait for many things at once, such as files that can be read, signals and "
        "moments, and calls a function for each that happens. It takes the best way that the system has, "
        "and brings buffers, a resolver and an HTTP server that never wait."
    ),
    home_page="https://libevent.org/",
    license=licenses.bsd_3,
)
