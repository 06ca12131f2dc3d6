"""The toolchains of larixpkgs. Importing this registers them; making one is left until it is used."""

from __future__ import annotations

from larix.packages.inputs import Input
from larix.packages.toolchain import Toolchain, register_toolchain
from larix.staging import FileAppend, Interpreter

__all__: list[str] = []


def _seed() -> Toolchain:
    """One item holds everything: the pinned binaries of Debian, relocated into the store."""
    from larixpkgs.bootstrap.cross import TARGETS, cross_tools
    from larixpkgs.bootstrap.seed import seed

    return Toolchain(
        name="seed",
        inputs=(Input("seed", seed),),
        python=Interpreter(seed, "bin/python3"),
        shell=FileAppend(seed, "bin/bash"),
        cross=cross_tools,
        targets=tuple(TARGETS),
        systems=("x86_64-linux",),
    )


register_toolchain("seed", _seed)
