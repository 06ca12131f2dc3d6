"""The bundle of certificate authorities, `ca-certificates.crt`: all `*.pem` beside it in one file."""

from __future__ import annotations

import os
import re

__all__ = ["CERTIFICATES", "is_certificate", "make_certificate_bundle"]

CERTIFICATES = "etc/ssl/certs"

_BUNDLE = "ca-certificates.crt"
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----\r?\n.+?\r?\n-----END \1-----", re.DOTALL)


def is_certificate(name: str) -> bool:
    return name.endswith(".pem")


def make_certificate_bundle(folder: str) -> None:
    """Write the bundle; each certificate once, in the order of file names."""
    found: dict[bytes, None] = {}
    for name in sorted(os.listdir(os.fsencode(folder))):
        if name.endswith(b".pem"):
            with open(os.fsencode(folder) + b"/" + name, "rb") as stream:
                blocks = _BLOCK.finditer(stream.read())
            found |= dict.fromkeys(block[0].replace(b"\r\n", b"\n") + b"\n" for block in blocks)
    file = f"{folder}/{_BUNDLE}"
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "wb") as stream:
        stream.writelines(found)
