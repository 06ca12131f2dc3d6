"""OpenSSL."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildside.shebang import patch_shebangs
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import perl

__all__ = ["openssl", "untested_perl"]

# A recipe of upstream's tests, and the test programs that it runs besides `openssl`. They are one in fifteen:
# all take longer to build than the library, and half an hour to run. None opens a socket: `ssl_new` connects
# in memory.
TESTS = {
    "sanity": ("sanitytest",),
    "params": ("params_test",),
    "dgst": (),
    "dsa": ("dsatest", "dsa_no_digest_size_test"),
    "ec": ("ectest",),
    "ecdsa": ("ecdsatest",),
    "enc": (),
    "evp": ("evp_test",),
    "genrsa": (),
    "hmac": ("hmactest",),
    "kdf": (),
    "mac": (),
    "pkey": (),
    "req": (),
    "rsa": ("rsa_test", "rsa_x931_test"),
    "sha": ("sha_test",),
    "ssl_new": ("ssl_test",),
    "verify": (),
}


def configure(*, outputs: dict[str, Path]) -> None:
    """A program in Perl, which takes the flags of compilers and linkers from the environment."""
    prefix = outputs["out"]
    words = ["shared", "no-docs", "no-makedepend", f"--prefix={prefix}", "--libdir=lib"]
    invoke("perl", "./Configure", "linux-x86_64", *words, f"--openssldir={prefix}/etc/ssl")


def check(*, shell: Path) -> None:
    words = make_arguments(shell=shell, make_flags=[], parallel=True)
    programs = sorted({f"test/{program}" for programs in TESTS.values() for program in programs})
    invoke("make", *programs, "link-utils", *words)
    patch_shebangs(["util/wrap.pl"])  # made just now
    recipes = " ".join(f"test_{name}" for name in TESTS)
    jobs = next(word for word in words if word.startswith("-j"))
    os.environ["HARNESS_JOBS"] = jobs.removeprefix("-j")
    invoke("make", "run_tests", f"TESTS={recipes}", f"SHELL={shell}")


# Builds that wait for OpenSSL do not wait for Perl's tests, and are not repeated when those change.
untested_perl = perl.perl.inherit(
    name="perl-untested",
    arguments={
        "tests": False,
        "phases": standard_phases.replace("configure", perl.configure)
        .add_before("configure", perl.name_pwd)
        .add_before("configure", perl.forget_the_time),
    },
    hidden=True,
)

openssl = Package(
    name="openssl",
    version="3.5.6",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/openssl/openssl/releases/download/openssl-{p.version}/openssl-{p.version}.tar.gz",
            f"debian://pool/main/o/openssl/openssl_{p.version}.orig.tar.gz",
        ),
        sha256="deae7c80cba99c4b4f940ecadb3c3338b13cb77418409238e57d7f31f2a3b736",
    ),
    build_system=gnu,
    arguments={
        "make_flags": ["PROGRAMS=apps/openssl"],  # without those of the tests
        "phases": standard_phases.replace("configure", configure).replace("check", check),
    },
    native_inputs=lambda: [("perl", untested_perl)],
    native_search_paths=[
        SearchPath("SSL_CERT_DIR", ("etc/ssl/certs",), separator=None),
        SearchPath("SSL_CERT_FILE", ("etc/ssl/certs/ca-certificates.crt",), separator=None, kind="regular"),
    ],
    synopsis="Cryptography, and secure connections by TLS",
    description=(
        "OpenSSL implements the protocols TLS, DTLS and QUIC, and the ciphers, digests, signatures and "
        "certificates that they are made of, as libraries for programs. The program openssl makes keys and "
        "certificates, and computes with them by hand."
    ),
    home_page="https://www.openssl.org/",
    license=licenses.apache2,
)
