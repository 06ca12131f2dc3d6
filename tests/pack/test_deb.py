from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from larix.pack.deb import debian_architecture
from packs import LIBRARY, LONG, PROFILE, PackShop

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb")

FIELDS = (
    ("Package", "hello"),
    ("Version", "2.10"),
    ("Architecture", "amd64"),
    ("Maintainer", "somebody <somebody@localhost>"),
    ("Description", "Say hello\n More of it."),
)


def ask(*words: str) -> str:
    return subprocess.run(["dpkg-deb", *words], check=True, capture_output=True, text=True).stdout


def members(data: bytes) -> dict[str, bytes]:
    """What the `ar` archive holds, read as its format says."""
    assert data.startswith(b"!<arch>\n")
    found: dict[str, bytes] = {}
    at = 8
    while at < len(data):
        header = data[at : at + 60]
        assert header[58:] == b"`\n"
        size = int(header[48:58])
        found[header[:16].decode().strip()] = data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    assert at == len(data)
    return found


@pytest.mark.parametrize(
    ("compression", "extension"), [("none", ""), ("gzip", ".gz"), ("xz", ".xz"), ("zstd", ".zst")]
)
def test_a_package_has_three_members(shop: PackShop, compression: str, extension: str) -> None:
    found = members(shop.pack(shop.options("deb", compression, fields=FIELDS)).read_bytes())
    assert list(found) == ["debian-binary", "control.tar.gz", f"data.tar{extension}"]
    assert found["debian-binary"] == b"2.0\n"


@needs_dpkg
@pytest.mark.parametrize("compression", ["none", "gzip", "xz"])
def test_dpkg_reads_and_unpacks_it(shop: PackShop, compression: str, tmp_path: Path, inside: str) -> None:
    options = shop.options(
        "deb",
        compression,
        fields=FIELDS,
        links=(("/usr/bin/hello", "bin/hello"),),
        scripts=(("postinst", "#!/bin/sh\ntrue\n"), ("triggers", "activate-noawait ldconfig\n")),
    )
    pack = str(shop.pack(options))
    assert ask("-f", pack, "Package") == "hello\n"
    assert ask("-f", pack, "Description") == "Say hello\n More of it.\n"
    assert int(ask("-f", pack, "Installed-Size")) > 1500
    ask("-e", pack, str(tmp_path / "control"))
    assert os.access(tmp_path / "control" / "postinst", os.X_OK)
    assert (tmp_path / "control" / "triggers").read_text() == "activate-noawait ldconfig\n"
    ask("-x", pack, str(tmp_path / "root"))
    assert (tmp_path / "root" / inside / LIBRARY / "share" / LONG / LONG).read_text() == "found\n"
    assert os.readlink(tmp_path / "root/usr/bin/hello") == f"{shop.store}/{PROFILE}/bin/hello"


@pytest.mark.skipif(
    shutil.which("dpkg") is None or os.geteuid() != 0, reason="installing needs dpkg, and root"
)
@pytest.mark.slow
def test_dpkg_installs_and_removes_it(shop: PackShop, tmp_path: Path, inside: str) -> None:
    pack = shop.pack(shop.options("deb", "gzip", fields=FIELDS))
    root = tmp_path / "root"
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    for file in ("status", "available"):
        (root / "var/lib/dpkg" / file).touch()
    dpkg = ["dpkg", f"--root={root}", "--force-script-chrootless", "--force-not-root", "--log=/dev/null"]
    subprocess.run([*dpkg, "--force-architecture", "--install", str(pack)], check=True, capture_output=True)
    program = root / inside / LIBRARY / "lib" / "data.bin"
    assert program.stat().st_uid == 0
    assert "Status: install ok installed" in (root / "var/lib/dpkg/status").read_text()
    subprocess.run([*dpkg, "--purge", "hello"], check=True, capture_output=True)
    assert not program.exists()


def test_the_same_package_again_is_the_same(shop: PackShop) -> None:
    options = shop.options("deb", "gzip", fields=FIELDS)
    assert shop.pack(options, threads=1).read_bytes() == shop.pack(options, threads=3).read_bytes()


def test_architectures_are_called_as_debian_calls_them() -> None:
    assert debian_architecture("x86_64-linux") == "amd64"
    assert debian_architecture("aarch64-linux-gnu") == "arm64"
    assert debian_architecture("s390x-linux") == "s390x"
