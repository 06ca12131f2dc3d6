"""What real Nix makes of the same input, on this machine and not only in the vectors."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from larix.derivation import derivation, instantiation_order, text_source
from larix.formats.export import EXPORT_END, ITEM_START, item_end
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, Symlink, Tree, decode_tree, encode_tree
from larix.formats.storepath import StoreDir
from vectors import DATA, load, nix_tree

pytestmark = [
    pytest.mark.compat,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nix-store") is None, reason="real Nix is not on this machine"),
]


def run(*command: str, cwd: Path, data: bytes | None = None) -> bytes:
    """Real Nix with a store of its own, below `cwd`, that calls itself /nix/store."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NIX_")}
    environment |= {"HOME": str(cwd), "NIX_CONF_DIR": str(cwd), "NIX_REMOTE": f"local?root={cwd}/root"}
    done = subprocess.run(command, input=data, cwd=cwd, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def write(tree: Tree, file: bytes) -> None:
    match tree:
        case Symlink():
            os.symlink(tree.target, file)
        case File():
            Path(os.fsdecode(file)).write_bytes(tree.contents)
            Path(os.fsdecode(file)).chmod(0o755 if tree.executable else 0o644)
        case Directory():
            Path(os.fsdecode(file)).mkdir()
            for name, node in tree.entries.items():
                write(node, file + b"/" + name)


NAMES = st.binary(min_size=1, max_size=8).filter(
    lambda name: name not in {b".", b".."} and not set(name) & {0, 0x2F}
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.builds(File, st.binary(max_size=40), st.booleans())
    | st.builds(Symlink, st.binary(min_size=1, max_size=20).filter(lambda target: 0 not in target)),
    lambda trees: st.builds(Directory, st.dictionaries(NAMES, trees, max_size=4)),
    max_leaves=10,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees=st.dictionaries(NAMES, TREES, min_size=3, max_size=6))
def test_nix_dumps_and_restores_the_same_archives(tmp_path: Path, trees: dict[bytes, Tree]) -> None:
    tree = Directory(trees)
    archive = encode_tree(tree)
    for name in ("written", "restored"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    write(tree, os.fsencode(tmp_path / "written"))
    assert run("nix-store", "--dump", "written", cwd=tmp_path) == archive
    run("nix-store", "--restore", "restored", cwd=tmp_path, data=archive)
    assert decode_tree(run("nix-store", "--dump", "restored", cwd=tmp_path)) == tree


@pytest.mark.parametrize("algo", ["md5", "sha1", "sha256", "sha512"])
def test_nix_spells_hashes_the_same_way(tmp_path: Path, algo: str) -> None:
    (tmp_path / "file").write_bytes(b"larch")
    hash_ = hash_bytes(b"larch", algo)
    spell = ["nix-hash", "--flat", "--type", algo]
    assert run(*spell, "file", cwd=tmp_path).decode().strip() == hash_.base16()
    assert run(*spell, "--base32", "file", cwd=tmp_path).decode().strip() == hash_.nix32()


def test_nix_still_writes_the_derivations_of_the_vectors(tmp_path: Path) -> None:
    archives = {vector["name"]: vector["tree"] for vector in load("nix", "archives")}
    (tmp_path / "sources").mkdir()
    for name in ("size-5", "dir-with-all"):
        write(nix_tree(archives[name]), os.fsencode(tmp_path / "sources" / name))
    expression = (DATA / "nix" / "derivations.nix").read_text(encoding="utf-8")
    (tmp_path / "all.nix").write_text(
        expression.replace("SOURCES", str(tmp_path / "sources")), encoding="utf-8"
    )
    experimental = ("--extra-experimental-features", "ca-derivations")
    run("nix-instantiate", *experimental, "all.nix", cwd=tmp_path)
    written = {
        f"/nix/store/{file.name}": file.read_text(encoding="utf-8")
        for file in (tmp_path / "root/nix/store").glob("*.drv")
    }
    assert written == load("nix", "derivations")


def test_nix_imports_a_graph_that_larix_made(tmp_path: Path) -> None:
    """Nix computes the output paths itself before a derivation becomes valid, and refuses any other."""
    nix = StoreDir("/nix/store")
    source = text_source(nix, "builder.sh", b"echo > $out")
    dep = derivation(
        "dep", store_dir=nix, system="s", builder="/bin/sh", sources=[source], outputs=("dev", "out")
    )
    top = derivation(
        "odd",
        store_dir=nix,
        system="s",
        builder="/bin/sh",
        args=["-c", 'echo "$odd"\n\t\\ > $out'],
        env={"odd": 'é\r\n\t"\\', "raw": "\udcff\x01"},
        inputs=[(dep, ["dev"])],
    )
    items = [(source.path, b"echo > $out", source.references)]
    items += [(lowered.path, lowered.text, lowered.references) for lowered in instantiation_order([top])]
    stream = b"".join(
        ITEM_START + encode_tree(File(contents)) + item_end(path, references)
        for path, contents, references in items
    )
    imported = run("nix-store", "--import", cwd=tmp_path, data=stream + EXPORT_END).decode().split()
    assert imported == [path for path, _, _ in items]
    for lowered in (dep, top):
        outputs = run("nix-store", "--query", "--outputs", lowered.path, cwd=tmp_path).decode().split()
        assert sorted(outputs) == sorted(lowered.outputs.values())
    assert run("nix-store", "--export", *imported, cwd=tmp_path) == stream + EXPORT_END
