"""The whole graph that real Nix and Guix wrote: read, printed, named and made again from its parts."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from larix.derivation import (
    Derivation,
    FixedOutput,
    Lowered,
    ModuloHashes,
    check_output_paths,
    derivation,
    instantiation_order,
    parse_derivation,
    print_derivation,
)
from larix.formats.storepath import StoreDir, StorePath, make_text_path, name_part
from vectors import load

NIX = StoreDir("/nix/store")
GNU = StoreDir("/gnu/store")
NIX_TEXTS: dict[StorePath, bytes] = {
    StorePath(path): text.encode() for path, text in load("nix", "derivations").items()
}
GUIX = load("guix", "derivations")
GUIX_TEXTS = {StorePath(vector["drv_path"]): vector["drv_text"].encode() for vector in GUIX}
BASH = StorePath(load("guix", "paths")["static-bash"]["store_path"])


def drv_name(path: StorePath) -> str:
    return name_part(path).removesuffix(".drv")


def read_nix(path: StorePath) -> Derivation:
    return parse_derivation(NIX_TEXTS[path], drv_name(path))


def short(path: StorePath) -> str:
    return path[11:16] + path[43:]


@pytest.mark.parametrize(
    ("path", "text"),
    [*NIX_TEXTS.items(), *GUIX_TEXTS.items()],
    ids=lambda v: short(v) if isinstance(v, str) else "",
)
class TestEachText:
    def test_is_read_and_printed_to_the_byte(self, path: StorePath, text: bytes) -> None:
        assert print_derivation(parse_derivation(text, drv_name(path))) == text

    def test_gives_the_path_of_its_item(self, path: StorePath, text: bytes) -> None:
        drv = parse_derivation(text, drv_name(path))
        store_dir = StoreDir(path.rpartition("/")[0])
        references = [*drv.input_drvs, *drv.input_srcs]
        assert make_text_path(store_dir, name_part(path), sha256(text).digest(), references) == path


@pytest.mark.parametrize("path", NIX_TEXTS, ids=short)
def test_output_paths_are_those_nix_computed(path: StorePath) -> None:
    check_output_paths(read_nix(path), NIX, ModuloHashes(read_nix))


class Remaker:
    """Makes the derivations of the vectors again, inputs first, from nothing but their parts."""

    def __init__(self) -> None:
        self.made: dict[StorePath, Lowered] = {}

    def __call__(self, path: StorePath) -> Lowered:
        drv = read_nix(path)
        for needed in drv.input_drvs:
            if needed not in self.made:
                self(needed)
        out = drv.outputs.get("out")
        fixed = FixedOutput(out.fixed_hash(), out.is_recursive) if out is not None and out.is_fixed else None
        env = {name: value for name, value in drv.env.items() if name.decode() not in drv.outputs}
        self.made[path] = derivation(
            drv.name,
            store_dir=NIX,
            system=drv.system,
            builder=drv.builder,
            args=drv.args,
            env=env,
            inputs=[(self.made[needed], names) for needed, names in drv.input_drvs.items()],
            sources=drv.input_srcs,
            outputs=env[b"outputs"].decode().split() if b"outputs" in env else tuple(drv.outputs),
            fixed=fixed,
        )
        return self.made[path]


# A floating output is named by its content, which the primitive does not offer: such text is only read.
@pytest.mark.parametrize("path", [path for path in NIX_TEXTS if "floating" not in path], ids=short)
def test_the_primitive_makes_what_nix_made(path: StorePath) -> None:
    made = Remaker()(path)
    drv = read_nix(path)
    assert made.text == NIX_TEXTS[path]
    assert made.path == path
    assert made.outputs == {name: output.path for name, output in drv.outputs.items()}
    assert made.modulo == ModuloHashes(read_nix)(path)
    assert made.derivation == drv


def interned_bash_derivation(name: str, script: str, inputs: list[Lowered] | None = None) -> Lowered:
    return derivation(
        name,
        store_dir=GNU,
        system="x86_64-linux",
        builder=BASH,
        args=("-c", script),
        inputs=[(lowered, ("out",)) for lowered in inputs or ()],
        sources=[BASH],
    )


def guix_modulo() -> ModuloHashes:
    """Knows what the vectors refer to without having it, where that can be made again."""
    read = ModuloHashes(lambda path: parse_derivation(GUIX_TEXTS[path], drv_name(path)))
    node = interned_bash_derivation("example-1.0", "echo hello > $out")
    for number in range(1, 6):
        read.add(node.path, node.modulo)
        node = interned_bash_derivation(
            f"chain-{number}", f"read x < {node.output_path()}; echo $x{number} > $out", [node]
        )
    # Another recipe for the same fixed output: only its path is known, and only what it makes matters.
    fixed = next(vector for vector in GUIX if vector["name"] == "fixed-flat-1.0")
    read.add(
        StorePath("/gnu/store/76hzgvzhgnddg341fbi1gc7w1w5jnk53-fixed-flat-1.0.drv"),
        bytes.fromhex(fixed["hash_modulo_sha256_base16"]),
    )
    return read


def test_the_figures_of_the_paper_give_the_names_guix_gives() -> None:
    """Figures 1 and 2: `static-bash` is interned, and says hello."""
    hello = interned_bash_derivation("example-1.0", "echo hello > $out")
    assert hello.path == "/gnu/store/ail8vm8nazskgm6v7z2whqnd8ry4xh3y-example-1.0.drv"
    assert hello.output_path() == "/gnu/store/d18lydikb0r1031l2flpgm3mjwqq2w8m-example-1.0"


def test_a_chain_over_the_figure_gives_the_names_guix_gives() -> None:
    node = interned_bash_derivation("example-1.0", "echo hello > $out")
    first = node
    for number in range(1, 6):
        node = interned_bash_derivation(
            f"chain-{number}", f"read x < {node.output_path()}; echo $x{number} > $out", [node]
        )
        if node.path in GUIX_TEXTS:
            assert node.text == GUIX_TEXTS[node.path]
    assert node.path == "/gnu/store/bazy5jh1h1y80ikiwz4lzaam3kxh0vap-chain-5.drv"
    assert [lowered.name for lowered in instantiation_order([node, first])] == [
        "example-1.0",
        *[f"chain-{number}" for number in range(1, 6)],
    ]


# `only-lib-1.0` depends on a derivation whose text the vectors lack.
@pytest.mark.parametrize("vector", [v for v in GUIX if v["name"] != "only-lib-1.0"], ids=lambda v: v["name"])
class TestGuixVectors:
    def test_the_hash_modulo_is_that_of_guix(self, vector: dict[str, Any]) -> None:
        assert guix_modulo()(vector["drv_path"]) == bytes.fromhex(vector["hash_modulo_sha256_base16"])

    def test_the_output_paths_are_those_of_guix(self, vector: dict[str, Any]) -> None:
        drv = parse_derivation(vector["drv_text"].encode(), vector["name"])
        check_output_paths(drv, GNU, guix_modulo())

    def test_the_record_holds_what_guix_was_told(self, vector: dict[str, Any]) -> None:
        drv = parse_derivation(vector["drv_text"].encode(), vector["name"])
        assert (drv.system, drv.builder.decode()) == (vector["system"], vector["builder"])
        assert [arg.decode() for arg in drv.args] == vector["args"]
        assert {name.decode(): value.decode() for name, value in drv.env.items()} == vector["env_vars"]
        assert {path: list(names) for path, names in drv.input_drvs.items()} == {
            entry["drv"]: entry["outputs"] for entry in vector["input_drvs"]
        }
        assert list(drv.input_srcs) == sorted(vector["input_srcs"])
        for name, expected in vector["outputs"].items():
            output = drv.outputs[name]
            assert output.path == expected["path"]
            assert output.hash == (expected["hash_base16"] or "")
            assert output.is_recursive == expected["recursive"]
