"""The launcher of relocatable packs: a static program, compiled from `larix/pack/launcher.c`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from larix import pack
from larix.packages.toolchain import toolchain
from larix.staging import build_expression_to_derivation, local_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.derivation import Lowered
    from larix.staging import Lowering

__all__ = ["launcher_derivation"]


def compile_launcher(
    *, output: Path, inputs: Mapping[str, Path], store_dir: str, sources: tuple[Path, ...], headers: Path
) -> None:
    os.environ["PATH"] = ":".join(f"{each}/bin" for each in inputs.values())
    output.mkdir()
    # The header is looked for beside the source, and sources in the store have names of their own.
    for source in (*sources, headers):
        shutil.copyfile(source, source.name.partition("-")[2])
    names = [source.name.partition("-")[2] for source in sources]
    options = ["-static", "-O2", "-s", "-Wl,--build-id=none", "-Wno-format-truncation"]
    macros = [f'-DSTORE="{store_dir}"', *(["-DFALLBACK"] if len(sources) > 1 else [])]
    subprocess.run(["gcc", *options, *macros, *names, "-o", str(output / "launcher")], check=True)


def launcher_derivation(lowering: Lowering, *, with_fallback: bool) -> Lowered:
    """What compiles the launcher; `with_fallback`, it can do without namespaces."""
    folder = os.path.dirname(os.path.abspath(pack.__file__))
    names = ("launcher.c", "tracer.c") if with_fallback else ("launcher.c",)
    return build_expression_to_derivation(
        "pack-launcher",
        compile_launcher,
        lowering=lowering,
        inputs={each.label: each.value for each in toolchain().inputs},
        arguments={
            "store_dir": str(lowering.store_dir),
            "sources": tuple(local_file(f"{folder}/{name}") for name in names),
            "headers": local_file(f"{folder}/launcher.h"),
        },
    )
