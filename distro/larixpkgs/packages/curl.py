"""curl, the program and libcurl: with TLS by OpenSSL, without HTTP/2 and a list of public suffixes."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.gnu import make_arguments, parallel_jobs, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import openssl, perl, pkgconf, zlib

__all__ = ["curl"]


def check(*, shell: Path) -> None:
    """Of 1,800 tests the first 200: HTTP, FTP, files, cookies, proxies; those left out that depend on speed.

    The others want some 300 test programs, which take far longer to compile than the library.
    """
    invoke("make", "-C", "tests/server", *make_arguments(shell=shell, make_flags=[], parallel=True))
    words = ("-a", "-p", f"-j{parallel_jobs()}", "~flaky", "~timing-dependent", "1", "to", "200")
    invoke("perl", "runtests.pl", *words, directory="tests", environment={"srcdir": "."})


curl = Package(
    name="curl",
    version="8.14.1",
    source=lambda p: Origin(
        uri=(
            f"https://curl.se/download/curl-{p.version}.tar.gz",
            f"debian://pool/main/c/curl/curl_{p.version}.orig.tar.gz",
        ),
        sha256="6766ada7101d292b42b8b15681120acd68effa4a9660935853cf6d61f0d984d4",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-static",
            "--with-openssl",
            # Where most systems keep the certificates that they trust; the search paths below come first.
            "--with-ca-bundle=/etc/ssl/certs/ca-certificates.crt",
            "--without-libpsl",
        ],
        "phases": standard_phases.replace("check", check),
    },
    native_inputs=lambda: [perl.perl, pkgconf.pkgconf],
    inputs=lambda: [openssl.openssl, zlib.zlib],
    native_search_paths=[
        SearchPath("CURL_CA_BUNDLE", ("etc/ssl/certs/ca-certificates.crt",), separator=None, kind="regular"),
    ],
    synopsis="Fetch and send files by their URLs",
    description=(
        "curl transfers what a URL names, by HTTP, HTTPS, FTP, SMTP, IMAP, MQTT and other protocols, with "
        "passwords, cookies, proxies, forms, limits and retries. The library libcurl does the same for "
        "programs."
    ),
    home_page="https://curl.se/",
    license=licenses.curl,
)
