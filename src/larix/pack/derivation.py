"""Packs as derivations: what they are made from, what makes them, and the profile they are made of."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING

from larix.buildside import environment, profile_settings
from larix.derivation import Lowered, Source, derivation
from larix.pack.compression import method, squashfs_method
from larix.pack.squashfs import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.formats.storepath import StoreDir
    from larix.pack.options import PackOptions

__all__ = ["pack_derivation"]


def pack_derivation(
    name: str,
    options: PackOptions,
    *,
    store_dir: StoreDir,
    system: str,
    inputs: Sequence[tuple[Lowered, tuple[str, ...]]] = (),
    sources: Sequence[Source] = (),
) -> Lowered:
    """The derivation of the pack; the profile, and a launcher if there is one, are among the inputs."""
    return derivation(
        name,
        store_dir=store_dir,
        system=system,
        builder="builtin:pack",
        env={
            "code": _code_digest(),
            "compressor": _compressors(options),
            "exportReferencesGraph": f"graph {options.profile}",
            "pack": options.text(),
            "preferLocalBuild": "1",
        },
        inputs=inputs,
        sources=sources,
    )


def _compressors(options: PackOptions) -> str:
    """Everything outside larix that decides about the bytes."""
    if options.format == "squashfs":
        used = [squashfs_method(options.compression, BLOCK).identity]
    else:
        used = [method(options.compression).identity]
    if options.format == "deb":
        used.append(method("gzip").identity)
    if options.state_directory:
        import sqlite3

        used.append(f"sqlite {sqlite3.sqlite_version}")
    return "; ".join(used)


@cache
def _code_digest() -> str:
    """The hash of the modules that decide how a pack looks."""
    here = os.path.dirname(os.path.abspath(__file__))
    files = sorted(f"{here}/{name}" for name in os.listdir(here) if name.endswith(".py"))
    builtins = f"{os.path.dirname(here)}/builder/builtins"
    files += [f"{builtins}/pack.py", f"{builtins}/pack_state.py"]
    files += [str(module.__file__) for module in (environment, profile_settings)]
    hasher = hashlib.sha256()
    for file in files:
        with open(file, "rb") as stream:
            hasher.update(stream.read())
    return hasher.hexdigest()
