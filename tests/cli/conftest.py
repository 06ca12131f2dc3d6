from __future__ import annotations

import glob
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from larix.builder import plan, realise
from larix.derivation import Lowered, tree_source
from larix.formats.nar import Directory, File, Symlink, Tree
from larix.formats.storepath import StoreDir
from larix.packages.platform import host_system
from larix.packages.toolchain import lowering_for
from larix.profiles import generation
from larix.profiles.front import Direct
from larix.profiles.manifest import Entry, Manifest, print_manifest
from larix.protocol import BuildTarget
from larix.store import Layout, LocalStore, open_local_store
from larix.store.atomic import remove_tree

CHECKOUT = Path(__file__).parents[2]


class Larix:
    """Runs larix as a process of its own in `folder`, with settings that are no one else's."""

    def __init__(self, folder: Path, store: Path, state: Path) -> None:
        self.folder = folder
        self.layout = Layout(StoreDir(str(store)), str(state), f"{state}/log")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT / 'distro'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LARIX_STORE_DIR": str(store),
            "LARIX_STATE_DIRECTORY": str(state),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        (folder / "home").mkdir(exist_ok=True)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "larix.cli.main", *words]

    def __call__(
        self, *words: str, stdin: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            check=False,
            cwd=self.folder,
            env=self.environment | variables,
            input=stdin,
            text=True,
        )

    def start(self, *words: str, **keywords: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words), cwd=self.folder, env=self.environment, text=True, **keywords
        )

    def succeed(self, *words: str, **variables: str) -> str:
        """Standard output of a command that must succeed."""
        done = self(*words, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def larix(tmp_path: Path) -> Larix:
    """A larix with an empty store."""
    return Larix(tmp_path, tmp_path / "store", tmp_path / "var")


class Shelf:
    """Makes profiles without building: their items are trees of links, interned as they are."""

    def __init__(self, larix: Larix) -> None:
        self.larix = larix

    def add(self, profile: str, *names: str) -> str:
        """Add a generation that holds packages called `names`, version 1, and switch to it; its item."""
        with open_local_store(self.larix.layout) as store:
            store_dir = store.store_dir
            entries: list[Entry] = []
            links: dict[bytes, Tree] = {}
            for name in names:
                program = File(f"#!/bin/sh\necho {name} runs\n".encode(), executable=True)
                source = tree_source(
                    store_dir, f"{name}-1", Directory({b"bin": Directory({name.encode(): program})})
                )
                store.instantiate([], [source])
                entries.append(Entry(name, "1", "out", source.path))
                links[name.encode()] = Symlink(f"{source.path}/bin/{name}".encode())
            tree = Directory(
                {b"bin": Directory(links), b"manifest": File(print_manifest(Manifest(tuple(entries))))}
            )
            item = tree_source(store_dir, "profile", tree)
            store.instantiate([], [item])
            number = generation.current_generation(profile) + 1
            generation.add_generation(
                profile, item.path, number, facade=Direct(store_dir), protect=store.add_indirect_root
            )
            generation.switch_to(profile, number)
        return item.path


@pytest.fixture
def shelf(larix: Larix) -> Shelf:
    return Shelf(larix)


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """A folder, readable by build users and with a short name, whose store holds the seed; made once."""
    base = Path(tempfile.mkdtemp(prefix="lx-"))
    base.chmod(0o755)
    try:
        layout = Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")
        with open_local_store(layout) as store:
            python = lowering_for(store.store_dir, host_system()).python
            assert python is not None
            seed = lowering_for(store.store_dir, host_system()).lower(python.package).origin
            assert isinstance(seed, Lowered)
            store.instantiate([seed])
            adopt_downloads(store, [BuildTarget(seed.path)])
            store.add_permanent_root(
                realise(store, [BuildTarget(seed.path)])[0].outputs["out"], f"{base}/seed"
            )
        yield base
    finally:
        remove_tree(str(base))


def adopt_downloads(store: LocalStore, targets: list[BuildTarget]) -> None:
    """Take what was to be downloaded from this machine's own store, where that has it already."""
    for drv in plan(store, targets).to_build:
        derivation = store.read_derivation(drv)
        if derivation.builder != b"builtin:download":
            continue
        name = drv.partition("-")[2].removesuffix(".drv")
        for file in glob.glob(f"/larix/store/*-{glob.escape(name)}"):
            if hashlib.sha256(Path(file).read_bytes()).hexdigest() == derivation.outputs["out"].hash:
                store.add_path(name, file, recursive=False)
                break


PACKAGES = """
from pathlib import Path

from larix.buildsystems.trivial import trivial
from larix.packages import Package, licenses


def program(output: Path, name: str, text: str) -> None:
    file = output / "bin" / name
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\\necho {text}\\n")
    file.chmod(0o755)


def simple(name, version, **fields):
    text = f"{name} {version}"

    def build(output):
        program(output, name, text)

    given = {"synopsis": f"Say {name}", "description": "It speaks.", "home_page": None, "source": None}
    given |= {"arguments": {"builder": build}, "build_system": trivial, "license": licenses.expat}
    return Package(name=name, version=version, **(given | fields))


alpha = simple("alpha", "1.0")
beta = simple("beta", "1.0")
gamma = simple("gamma", "1.0")
delta = simple("delta", "1.0", propagated_inputs=lambda: [alpha])
old_alpha = simple("alpha", "0.9")
clash = simple("clash", "1.0", propagated_inputs=lambda: [old_alpha])


def fail(output):
    print("about to fail")
    raise SystemExit(3)


broken = simple("broken", "1.0", arguments={"builder": fail})


def random_bytes(output: Path) -> None:
    import os

    output.mkdir()
    (output / "noise").write_bytes(os.urandom(16))


noisy = simple("noisy", "1.0", arguments={"builder": random_bytes})
"""


def add_packages(larix: Larix) -> Larix:
    folder = larix.folder / "packages"
    folder.mkdir()
    (folder / "small.py").write_text(PACKAGES)
    larix.environment["LARIX_PACKAGE_PATH"] = str(folder)
    return larix


@pytest.fixture
def reader(larix: Larix) -> Larix:
    """A larix with an empty store and a folder of small packages, for what builds nothing."""
    return add_packages(larix)


@pytest.fixture
def builder(workshop: Path, tmp_path: Path) -> Larix:
    """A larix whose store has the seed, with a folder of small packages on its path."""
    return add_packages(Larix(tmp_path, workshop / "store", workshop / "var"))
