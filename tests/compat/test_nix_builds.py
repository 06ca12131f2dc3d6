"""The same derivations built by larix and by real Nix, each from what the other instantiated."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.builder import realise
from larix.derivation import Lowered, derivation
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildOptions, BuildTarget
from larix.store import Layout, LocalStore, open_local_store

BUSYBOX = shutil.which("busybox") or "/bin/busybox"

pytestmark = [
    pytest.mark.compat,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nix-store") is None, reason="real Nix is not on this machine"),
    pytest.mark.skipif(not os.path.exists(BUSYBOX), reason="no static busybox (Debian: busybox-static)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Nix's sandbox is comparable only for root"),
]

SCRIPT = """
mkdir -p $out/bin $lib
echo 'a library' > $lib/data
printf '#!%s sh\\ncat %s/data\\n' "$shell" "$lib" > $out/bin/tool
chmod +x $out/bin/tool
ln -s $lib/data $out/link
cat $bigPath > $out/big
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(StoreDir(f"{tmp_path}/store"), f"{tmp_path}/var", f"{tmp_path}/var/log")


@pytest.fixture
def store(layout: Layout) -> Iterator[LocalStore]:
    with open_local_store(layout) as opened:
        yield opened


class Nix:
    """Real Nix on the same directories."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self._folder = folder
        (folder / "nix.conf").write_text("sandbox = true\nbuild-users-group =\nsubstituters =\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NIX_")}
        self._environment = {
            **kept,
            "NIX_STORE_DIR": layout.store_dir,
            "NIX_STATE_DIR": layout.state_dir,
            "NIX_LOG_DIR": layout.log_dir,
            "NIX_CONF_DIR": str(folder),
            "NIX_REMOTE": "",
        }

    def __call__(self, *command: str) -> list[str]:
        done = subprocess.run(
            command, env=self._environment, cwd=self._folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def nix(layout: Layout, store: LocalStore, tmp_path: Path) -> Nix:
    return Nix(layout, tmp_path)


@pytest.fixture
def shell(store: LocalStore, tmp_path: Path) -> StorePath:
    (tmp_path / "shell" / "bin").mkdir(parents=True)
    shutil.copy(BUSYBOX, tmp_path / "shell" / "bin" / "busybox")
    return store.add_path("shell", str(tmp_path / "shell"))


def lowered(store: LocalStore, shell: StorePath) -> Lowered:
    return derivation(
        "tool-1.0",
        store_dir=store.store_dir,
        system="x86_64-linux",
        builder=f"{shell}/bin/busybox",
        args=["sh", "-ec", SCRIPT],
        env={"shell": f"{shell}/bin/busybox", "big": "x" * 100_000, "passAsFile": "big"},
        sources=[shell],
        outputs=("out", "lib"),
    )


def test_outputs_are_the_same_whoever_builds(layout: Layout, shell: StorePath, nix: Nix) -> None:
    with open_local_store(layout) as store:
        drv = lowered(store, shell)
        store.instantiate([drv])
        realise(store, [BuildTarget(drv.path)], BuildOptions())
        assert set(nix("nix-store", "--realise", drv.path)) == set(drv.outputs.values())
        nix("nix-store", "--verify", "--check-contents")
        nix("nix-store", "--realise", "--check", drv.path)  # builds again, and compares bit for bit


def test_what_nix_built_passes_the_check_of_larix(layout: Layout, shell: StorePath, nix: Nix) -> None:
    with open_local_store(layout) as store:
        drv = lowered(store, shell)
        store.instantiate([drv])
        nix("nix-store", "--realise", drv.path)
        realise(store, [BuildTarget(drv.path)], BuildOptions(check=True))
        infos = store.path_infos(drv.outputs.values())
        assert {info.deriver for info in infos.values()} == {drv.path}


def test_derivation_made_by_nix_is_built(
    store: LocalStore, shell: StorePath, nix: Nix, tmp_path: Path
) -> None:
    (tmp_path / "tool.nix").write_text(
        f"""
        let
          shell = builtins.storePath "{shell}";
          dependency = derivation {{
            name = "dependency"; system = "x86_64-linux"; builder = "${{shell}}/bin/busybox";
            args = [ "sh" "-c" "echo made by a dependency > $out" ];
          }};
        in derivation {{
          name = "user"; system = "x86_64-linux"; builder = "${{shell}}/bin/busybox";
          args = [ "sh" "-c" "cat ${{dependency}} $text > $out" ];
          text = builtins.toFile "text" "and by evaluation\\n";
        }}
        """
    )
    [drv] = nix("nix-instantiate", "tool.nix")
    [result] = realise(store, [BuildTarget(StorePath(drv))], BuildOptions())
    out = result.outputs["out"]
    assert Path(out).read_text() == "made by a dependency\nand by evaluation\n"
    assert nix("nix-store", "--query", "--deriver", out) == [drv]
    assert nix("nix-store", "--realise", drv) == [out]
    [log_line] = nix("nix-store", "--query", "--outputs", drv)
    assert log_line == out
