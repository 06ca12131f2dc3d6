"""The environment of a builder, and the files that go with it, from a derivation: pure."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from larix.formats import base32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.derivation import Derivation

__all__ = ["BuilderEnvironment", "build_directory_name", "builder_environment", "shell_assignments"]

_TOP_VARIABLES = (b"NIX_BUILD_TOP", b"LARIX_BUILD_TOP", b"TMPDIR", b"TEMPDIR", b"TMP", b"TEMP", b"PWD")


class BuilderEnvironment(NamedTuple):
    """`files` are to be written into the build directory before the builder starts."""

    variables: dict[bytes, bytes]
    files: dict[str, bytes]


def build_directory_name(drv_name: str, number: int = 0) -> str:
    return f"larix-build-{drv_name}.drv-{number}"


def builder_environment(
    derivation: Derivation, *, directory: str, store_dir: str, cores: int, host: Mapping[bytes, bytes]
) -> BuilderEnvironment:
    """What the builder of `derivation` gets when it starts in `directory`.

    `host` is larix's own environment: a fixed output may ask for some of it by `impureEnvVars`, for its
    content is known beforehand. `passAsFile` turns values into files, for those that are too long for a
    process.
    """
    variables: dict[bytes, bytes] = {
        b"PATH": b"/path-not-set",
        b"HOME": b"/homeless-shelter",
        b"NIX_STORE": store_dir.encode("ascii"),
        b"LARIX_STORE": store_dir.encode("ascii"),
        b"NIX_BUILD_CORES": b"%d" % cores,
        b"LARIX_BUILD_CORES": b"%d" % cores,
    }
    files: dict[str, bytes] = {}
    as_files = set(derivation.env.get(b"passAsFile", b"").split())
    for name, value in derivation.env.items():
        if name in as_files:
            file = ".attr-" + base32.encode(sha256(name).digest())
            files[file] = value
            variables[name + b"Path"] = f"{directory}/{file}".encode()
        else:
            variables[name] = value
    for name in _TOP_VARIABLES:
        variables[name] = directory.encode("ascii")
    if derivation.is_fixed:
        variables[b"NIX_OUTPUT_CHECKED"] = b"1"
        for name in derivation.env.get(b"impureEnvVars", b"").split():
            variables[name] = host.get(name, b"")
    variables[b"NIX_LOG_FD"] = b"2"
    variables[b"TERM"] = b"dumb"
    return BuilderEnvironment(variables, files)


def shell_assignments(variables: Mapping[bytes, bytes]) -> bytes:
    """A file that a shell can source to get `variables`, whatever bytes they hold."""
    lines = [
        b"export %b='%b'\n" % (name, value.replace(b"'", b"'\\''"))
        for name, value in sorted(variables.items())
        if name.replace(b"_", b"").isalnum() and not name[:1].isdigit()
    ]
    return b"".join(lines)
