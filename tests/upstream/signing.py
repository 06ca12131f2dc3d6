"""Keys and signatures made by real GnuPG, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["Signer", "signer"]


class Signer:
    """Somebody with a key."""

    def __init__(self, home: str, *, long_ago: bool) -> None:
        self.home = home
        self._clock = ("--faked-system-time", "20200101T000000!") if long_ago else ()
        ends = "1d" if long_ago else "never"
        self._gpg("--passphrase", "", "--quick-gen-key", "Ada <ada@example.org>", "ed25519", "sign", ends)
        listed = self._gpg("--with-colons", "--list-keys").decode().splitlines()
        self.fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))

    def _gpg(self, *words: str, data: bytes | None = None) -> bytes:
        command = ["gpg", "--homedir", self.home, "--batch", "--quiet", *self._clock, *words]
        return subprocess.run(command, input=data, check=True, capture_output=True).stdout

    def sign(self, data: bytes, *options: str) -> bytes:
        return self._gpg(*options, "--detach-sign", data=data)

    def key(self, *options: str) -> bytes:
        return self._gpg(*options, "--export")

    def revoke(self) -> None:
        file = Path(self.home, "openpgp-revocs.d", f"{self.fingerprint}.rev")
        text = file.read_text().replace(":-----BEGIN", "-----BEGIN")
        self._gpg("--import", data=text.encode())


@contextmanager
def signer(*, long_ago: bool = False) -> Iterator[Signer]:
    """One whose key expired `long_ago` if told. The folder has a short name, for the agent's socket."""
    if shutil.which("gpg") is None or shutil.which("gpgv") is None:
        pytest.skip("no gpg and gpgv (Debian: gnupg, gpgv)")
    home = tempfile.mkdtemp(prefix="lx-gpg-")
    try:
        yield Signer(home, long_ago=long_ago)
    finally:
        subprocess.run(
            ["gpgconf", "--homedir", home, "--kill", "all"],
            check=False,
            env={**os.environ, "GNUPGHOME": home},
        )
        shutil.rmtree(home, ignore_errors=True)
