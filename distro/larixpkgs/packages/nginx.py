"""nginx."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, install_file, substitute
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import openssl, pcre2, zlib

__all__ = ["nginx"]

SETTINGS = """
worker_processes 2;
events {}
http {
    access_log off;
    default_type text/html;
    gzip on;
    gzip_min_length 1;
    server {
        listen 127.0.0.1:8080;
        location / { root html; }
        location ~ "^/tree/(?<kind>[a-z]{4,})$" { return 200 "kind: $kind\\n"; }
        location /again/ { proxy_pass http://127.0.0.1:8081/tree/; }
    }
    server {
        listen 127.0.0.1:8081;
        location / { proxy_pass https://127.0.0.1:8443; }
    }
    server {
        listen 127.0.0.1:8443 ssl;
        http2 on;
        ssl_certificate own.pem;
        ssl_certificate_key own.key;
        location / { proxy_pass http://127.0.0.1:8080; }
    }
}
"""


def name_the_shell(*, shell: Path) -> None:
    """By which all questions are asked, that for a compiler first."""
    substitute(find_files("auto"), (r"/bin/sh\b", f"{shell.parent}/sh"), required=False)


def configure(*, outputs: dict[str, Path], shell: Path) -> None:
    """The script is not Autoconf's. Files that a server writes are looked for below the directory of `-p`."""
    modules = (
        *("addition", "auth_request", "dav", "gunzip", "gzip_static", "realip", "secure_link", "slice"),
        *("ssl", "stub_status", "sub", "v2", "v3"),
    )
    words = [
        f"--prefix={outputs['out']}",
        "--with-cc=gcc",
        "--with-cc-opt=-O2",
        f"--with-ld-opt={os.environ['LDFLAGS']}",
        "--with-pcre-jit",
        "--with-threads",
        *(f"--with-http_{name}_module" for name in modules),
        "--with-stream",
        "--with-stream_ssl_module",
        "--with-stream_ssl_preread_module",
    ]
    invoke(shell, "./configure", *words)


def check() -> None:
    """A site, asked for a file, compressed, by a regular expression, and through itself by TLS.

    Upstream's tests are not in the release.
    """
    site = Path("site")
    for name in ("conf", "html", "logs"):
        (site / name).mkdir(parents=True)
    (site / "conf/nginx.conf").write_text(SETTINGS)
    page = "<p>larches</p>\n" * 500
    (site / "html/index.html").write_text(page)
    words = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", f"{site}/conf/own.key"]
    invoke("openssl", "req", "-x509", "-config", "/dev/null", *words, "-out", f"{site}/conf/own.pem")
    server = [f"{Path.cwd()}/objs/nginx", "-p", f"{site.absolute()}", "-e", "logs/error.log"]
    invoke(*server, "-t")
    invoke(*server)
    try:
        found = [_get(8080, "/"), _get(8080, "/tree/larch"), _get(8080, "/again/spruce")]
        asked = urllib.request.Request("http://127.0.0.1:8080/", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(asked) as answer:
            encoding, length = answer.headers["Content-Encoding"], len(answer.read())
        kept = capture("openssl", "s_client", "-alpn", "h2", "-connect", "127.0.0.1:8443")
    finally:
        invoke(*server, "-s", "stop")
    expected = [page, "kind: larch\n", "kind: spruce\n"]
    if found != expected or encoding != "gzip" or length > len(page) // 10 or "ALPN protocol: h2" not in kept:
        raise BuildSideError(f"got {found}, {length} bytes of {encoding}, and by TLS {kept}")


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        body: bytes = answer.read()
    return body.decode()


def tidy(*, outputs: dict[str, Path]) -> None:
    """Nothing is ever written here; and the manual page is made, but not installed."""
    (outputs["out"] / "logs").rmdir()
    install_file("objs/nginx.8", outputs["out"] / "share/man/man8")


nginx = Package(
    name="nginx",
    version="1.26.3",
    source=lambda p: Origin(
        uri=(
            f"https://nginx.org/download/nginx-{p.version}.tar.gz",
            f"debian://pool/main/n/nginx/nginx_{p.version}.orig.tar.gz",
        ),
        sha256="69ee2b237744036e61d24b836668aad3040dda461fe6f570f1787eab570c75aa",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", name_the_shell)
        .replace("configure", configure)
        .replace("check", check)
        .add_after("install", tidy),
    },
    inputs=lambda: [openssl.openssl, pcre2.pcre2, zlib.zlib],
    synopsis="Serve the web, and stand before those who do",
    description=(
        "nginx is a server for HTTP, up to HTTP/3, that gives out files, passes requests on to other servers "
        "and shares them out among several, keeps answers, compresses and encrypts. It serves many "
        "connections with few processes, and passes on TCP and UDP as well."
    ),
    home_page="https://nginx.org/",
    license=licenses.bsd_2,
)
