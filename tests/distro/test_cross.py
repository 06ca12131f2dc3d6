"""Packages built for another machine: inputs of each kind apart, and a program that is of that machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

from larix.builder import realise
from larix.buildside.elf import read_elf
from larix.buildsystems.gnu import gnu
from larix.derivation import Lowered, instantiation_order
from larix.formats.storepath import DEFAULT_STORE_DIR, StoreDir
from larix.packages import Package, licenses
from larix.packages.toolchain import UnknownTarget, lowering_for
from larix.protocol import BuildTarget
from larix.staging import plain_text
from larix.store import Layout, open_local_store
from larix.store.atomic import remove_tree
from larixpkgs.packages.hello import hello

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from larix.store import LocalStore

SYSTEM, TARGET = "x86_64-linux", "aarch64-linux-gnu"
AARCH64 = 183  # e_machine


def package(name: str, *, inputs: Sequence[Package] = (), native_inputs: Sequence[Package] = ()) -> Package:
    return Package(
        name=name,
        version="1.0",
        source=plain_text(f"{name}.tar", ""),
        build_system=gnu,
        inputs=list(inputs),
        native_inputs=list(native_inputs),
        synopsis=f"A {name}",
        description=f"This {name} is for tests alone.",
        home_page="https://example.org/",
        license=licenses.gpl3_plus,
    )


def lowered(wanted: Package, target: str | None = TARGET) -> Lowered:
    origin = lowering_for(DEFAULT_STORE_DIR, SYSTEM, target).lower(wanted).origin
    assert isinstance(origin, Lowered)
    return origin


def test_native_inputs_are_of_this_machine_and_ordinary_ones_of_the_other() -> None:
    library, generator = package("library"), package("generator")
    user = package("user", inputs=[library], native_inputs=[generator])
    below = {each.path for each in instantiation_order([lowered(user)])}
    assert lowered(library).path in below
    assert lowered(library, None).path not in below
    assert lowered(generator, None).path in below
    assert lowered(generator).path not in below


def test_the_target_is_in_the_hash_and_the_compiler_among_the_inputs() -> None:
    cross = lowered(hello)
    assert cross.path != lowered(hello, None).path
    names = {each.derivation.name for each in instantiation_order([cross])}
    assert f"gcc-{TARGET}" in names
    assert f"gcc-{TARGET}" not in {
        each.derivation.name for each in instantiation_order([lowered(hello, None)])
    }


def test_an_unknown_machine_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UnknownTarget, match="no compiler for `aarch64-linux-gnux`") as caught:
        lowered(hello, "aarch64-linux-gnux")
    assert caught.value.hint is not None
    assert TARGET in caught.value.hint


@pytest.fixture(scope="module")
def store() -> Iterator[LocalStore]:
    """Build users read the store, so it cannot be below pytest's folder, which is private."""
    base = tempfile.mkdtemp(prefix="larix-test-")
    os.chmod(base, 0o755)
    try:
        with open_local_store(Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")) as opened:
            yield opened
    finally:
        remove_tree(base)


@pytest.mark.build
@pytest.mark.slow
def test_hello_for_another_machine_is_a_program_of_that_machine(store: LocalStore, tmp_path: Path) -> None:
    made = lowering_for(store.store_dir, SYSTEM, TARGET).lower(hello)
    assert isinstance(made.origin, Lowered)
    store.instantiate([made.origin])
    (result,) = realise(store, [BuildTarget(made.origin.path)])
    program = tmp_path / "hello"
    shutil.copy(f"{result.outputs['out']}/bin/hello", program)
    elf = read_elf(program)
    assert elf is not None
    assert elf.machine == AARCH64
    references = store.references(result.outputs["out"]) - {result.outputs["out"]}
    assert {each.rpartition("-libc-")[2] for each in references} == {TARGET}, "nothing of this machine"
    assert elf.interpreter is not None
    assert elf.interpreter.startswith(next(iter(references)))
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if emulator is not None:
        done = subprocess.run([emulator, program], capture_output=True, check=False, text=True)
        assert done.stdout == "Hello, world!\n"
