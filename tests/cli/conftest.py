from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from larix.derivation import tree_source
from larix.formats.nar import Directory, File, Symlink, Tree
from larix.formats.storepath import StoreDir
from larix.profiles import generation
from larix.profiles.front import Direct
from larix.profiles.manifest import Entry, Manifest, print_manifest
from larix.store import Layout, open_local_store
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
        given: dict[str, Any] = {"env": self.environment, "text": True} | keywords
        return subprocess.Popen(self.command(*words), cwd=self.folder, **given)

    def on_terminal(self, *words: str, **variables: str) -> str:
        """What a command that must succeed shows on a terminal of its own, as standard error."""
        primary, secondary = pty.openpty()
        environment = self.environment | variables
        process = self.start(*words, env=environment, stdout=subprocess.DEVNULL, stderr=secondary)
        os.close(secondary)
        shown = b""
        try:
            while data := os.read(primary, 4096):
                shown += data
        except OSError:  # how a terminal says that its other side is gone
            pass
        os.close(primary)
        assert process.wait() == 0, shown
        return shown.decode()

    def succeed(self, *words: str, **variables: str) -> str:
        """Standard output of a command that must succeed."""
        done = self(*words, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def larix_in() -> type[Larix]:
    """For tests that want one elsewhere, or keep it for longer than one of them."""
    return Larix


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


PACKAGES = r"""
from larix.derivation import derivation
from larix.packages import Package, licenses
from larix.packages.bag import Bag
from larix.staging import local_file

SHELL = local_file("@SHELL@", name="shell", recursive=True)


class Script:
    '''Runs the argument `script` in a shell that has all tools built in.'''

    name = "script"
    description = "a shell script"

    def lower(self, package, lowering):
        shell = lowering.lower(SHELL)
        needed = [lowering.lower(each.value).origin for each in package.inputs]

        def build(bag, lowering):
            return derivation(
                f"{package.name}-{package.version}",
                store_dir=lowering.store_dir,
                system=lowering.system,
                builder=f"{shell.path}/bin/busybox",
                args=["sh", "-ec", bag.arguments["script"]],
                inputs=[(each, ["out"]) for each in needed],
                sources=[shell.origin],
                outputs=package.outputs,
            )

        return Bag(
            name=package.name,
            system=lowering.system,
            target=None,
            source=package.source,
            build_inputs=(),
            host_inputs=package.inputs,
            target_inputs=(),
            outputs=package.outputs,
            search_paths=(),
            arguments=package.arguments,
            build=build,
        )


def simple(name, version, **fields):
    program = rf"#!/bin/sh\necho {name} {version}\n"
    script = f"mkdir -p $out/bin; printf '{program}' > $out/bin/{name}; chmod +x $out/bin/{name}"
    given = {"synopsis": f"Say {name}", "description": "It speaks.", "home_page": None, "source": None}
    given |= {"arguments": {"script": script}, "build_system": Script(), "license": licenses.expat}
    return Package(name=name, version=version, **(given | fields))


alpha = simple("alpha", "1.0")
beta = simple("beta", "1.0")
gamma = simple("gamma", "1.0")
delta = simple("delta", "1.0", propagated_inputs=lambda: [alpha])
old_alpha = simple("alpha", "0.9")
clash = simple("clash", "1.0", propagated_inputs=lambda: [old_alpha])
ancient = simple("ancient", "1.0", superseded_by=lambda: gamma)
inner = simple("inner", "1.0", hidden=True)
broken = simple("broken", "1.0", arguments={"script": "echo about to fail; exit 3"})
noisy = simple("noisy", "1.0", arguments={"script": "mkdir $out; head -c 16 /dev/urandom > $out/noise"})
"""


def add_packages(larix: Larix, shell: Path) -> Larix:
    folder = larix.folder / "packages"
    folder.mkdir()
    (folder / "small.py").write_text(PACKAGES.replace("@SHELL@", str(shell)))
    larix.environment["LARIX_PACKAGE_PATH"] = str(folder)
    return larix


@pytest.fixture
def reader(larix: Larix, tmp_path: Path) -> Larix:
    """A larix with an empty store and a folder of small packages, for what builds nothing."""
    return add_packages(larix, tmp_path / "shell")


@pytest.fixture
def builder() -> Iterator[Larix]:
    """A larix with small packages that it can build, in a folder that build users may read."""
    busybox = shutil.which("busybox", path="/bin:/usr/bin")
    if busybox is None or subprocess.call([busybox, "sh", "-c", "PATH=; ls / > /dev/null"]):
        pytest.skip("no busybox with its tools built in (Debian: busybox-static)")
    base = Path(tempfile.mkdtemp(prefix="lx-"))
    base.chmod(0o755)
    try:
        (base / "shell" / "bin").mkdir(parents=True)
        shutil.copy(busybox, base / "shell" / "bin" / "busybox")
        yield add_packages(Larix(base, base / "store", base / "var"), base / "shell")
    finally:
        remove_tree(str(base))
