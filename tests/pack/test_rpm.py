from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from larix.pack.content import Contents
from larix.pack.entries import File
from larix.pack.errors import BadPack
from larix.pack.rpm import rpm_architecture, write_rpm
from larix.pack.stream import Workers
from packs import LIBRARY, LONG, PROFILE, PackShop

needs_rpm = pytest.mark.skipif(shutil.which("rpm") is None, reason="no rpm")

FIELDS = (
    ("Name", "hello"),
    ("Version", "2.10"),
    ("Architecture", "x86_64"),
    ("License", "GPL 3+"),
    ("Summary", "Say hello"),
    ("URL", "https://www.gnu.org/software/hello/"),
)


def rpm(*words: str | Path) -> str:
    done = subprocess.run(["rpm", *map(str, words)], check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape")


@needs_rpm
@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd"])
def test_rpm_finds_all_digests_right(shop: PackShop, compression: str) -> None:
    pack = shop.pack(shop.options("rpm", compression, fields=FIELDS))
    told = rpm("--checksig", "--verbose", pack)
    assert [line.strip() for line in told.splitlines()[1:]] == [
        "Header SHA256 digest: OK",
        "Header SHA1 digest: OK",
        "Payload SHA256 digest: OK",
    ]


@needs_rpm
def test_rpm_tells_what_is_in_it(shop: PackShop) -> None:
    options = shop.options("rpm", "gzip", fields=FIELDS, links=(("/usr/bin/hello", "bin/hello"),))
    pack = shop.pack(options)
    wanted = "%{NAME}|%{VERSION}|%{ARCH}|%{LICENSE}|%{SUMMARY}|%{BUILDTIME}"
    assert rpm("-qp", "--queryformat", wanted, pack) == "hello|2.10|x86_64|GPL 3+|Say hello|1"
    files = rpm("-qlp", pack).splitlines()
    assert f"{shop.store}/{LIBRARY}/share/{LONG}/{LONG}" in files
    assert "/usr/bin/hello" in files
    assert "/usr/bin" not in files


@needs_rpm
@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="installing needs root")
def test_rpm_installs_verifies_and_removes_it(shop: PackShop, tmp_path: Path, inside: str) -> None:
    options = shop.options("rpm", "gzip", fields=FIELDS, links=(("/usr/bin/hello", "bin/hello"),))
    pack = shop.pack(options)
    root = tmp_path / "root"
    root.mkdir()
    there = ["--root", str(root), "--nodeps"]
    rpm(*there, "--ignorearch", "--install", pack)
    assert (root / inside / LIBRARY / "lib" / "zeros").read_bytes() == bytes(300_000)
    assert (root / os.fsdecode(os.fsencode(inside) + f"/{LIBRARY}/not-utf8-".encode() + b"\xff")).exists()
    assert os.readlink(root / "usr/bin/hello") == f"{shop.store}/{PROFILE}/bin/hello"
    assert rpm(*there, "--verify", "hello") == ""
    rpm(*there, "--erase", "hello")
    assert not (root / inside / LIBRARY).exists()


@needs_rpm
def test_scripts_come_along(shop: PackShop) -> None:
    scripts = (("prein", "echo before\n"), ("postun", "echo gone\n"))
    told = rpm("-qp", "--scripts", shop.pack(shop.options("rpm", "gzip", fields=FIELDS, scripts=scripts)))
    assert told == (
        "preinstall scriptlet (using /bin/sh):\necho before\n\n"
        "postuninstall scriptlet (using /bin/sh):\necho gone\n\n"
    )


@pytest.mark.skipif(shutil.which("rpm2cpio") is None or shutil.which("cpio") is None, reason="no rpm2cpio")
def test_the_payload_is_an_archive_for_cpio(shop: PackShop, tmp_path: Path, inside: str) -> None:
    pack = shop.pack(shop.options("rpm", "xz", fields=FIELDS))
    archive = subprocess.run(["rpm2cpio", str(pack)], check=True, capture_output=True).stdout
    command = ["cpio", "--extract", "--quiet", "--make-directories"]
    subprocess.run(command, input=archive, cwd=tmp_path, check=True)
    assert (tmp_path / inside / LIBRARY / "lib" / "data.bin").read_bytes() == bytes(range(256)) * 5000


def test_the_same_package_again_is_the_same(shop: PackShop) -> None:
    options = shop.options("rpm", "gzip", fields=FIELDS)
    assert shop.pack(options, threads=1).read_bytes() == shop.pack(options, threads=3).read_bytes()


def test_what_rpm_cannot_hold_is_refused(shop: PackShop) -> None:
    contents = Contents(
        shop.closure,
        shop.options("rpm", "gzip", fields=FIELDS),
        (File(b"large", 1 << 32, file=b"/dev/null"),),
    )
    with pytest.raises(BadPack, match="no more than 4 GiB"), Workers(1) as workers:
        write_rpm(-1, contents, workers)


def test_architectures_are_called_as_rpm_calls_them() -> None:
    assert rpm_architecture("x86_64-linux") == "x86_64"
    assert rpm_architecture("aarch64-linux-gnu") == "aarch64"
    assert rpm_architecture("powerpc64le-linux") == "ppc64le"
