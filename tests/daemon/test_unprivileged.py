"""A daemon that is not root: where it may not look, nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemons import PYTHON_FOR_ALL, Daemon, running_daemon
from larix.client.store import DaemonStore
from larix.formats.storepath import StorePath
from security.den import CLIENT, Den, as_user, needs_root

pytestmark = pytest.mark.slow

KEEPER = 34567
_DELETE_DEAD = 2


@pytest.fixture
def den() -> Iterator[Den]:
    needs_root()
    if not os.path.exists(PYTHON_FOR_ALL):
        pytest.skip("no python that an ordinary user may run")
    with running_daemon(user=KEEPER) as daemon:
        yield Den(daemon)


@pytest.fixture
def home(den: Den) -> Path:
    """One that only its owner may enter."""
    folder = den.folder / "home"
    folder.mkdir(mode=0o700)
    os.chown(folder, CLIENT, CLIENT)
    return folder


def collected(daemon: Daemon) -> tuple[set[StorePath], list[str]]:
    """What a collection removes, and what the daemon says meanwhile."""
    lines: list[str] = []
    with daemon.store() as store:
        store._connection.on_line = lines.append
        return set(store.collect(_DELETE_DEAD)[0]), lines


def test_a_root_in_a_closed_home_is_kept(den: Den, home: Path) -> None:
    lost = den.client(lambda store: store.add_text("lost", b"lost"))

    def make(store: DaemonStore) -> str:
        path = store.add_text("kept", b"kept")
        store.add_permanent_root(path, str(home / "result"))
        return path

    kept = den.client(make)
    assert as_user(CLIENT, lambda: os.readlink(home / "result")) == kept
    gone, lines = collected(den.daemon)
    assert lost in gone
    assert kept not in gone
    assert any("not root" in line for line in lines)
    assert os.path.exists(kept)


def test_a_root_that_was_never_seen_is_forgotten_with_its_folder(den: Den, home: Path) -> None:
    """As `nix-build --no-out-link` makes it, in a folder that is the client's alone."""

    def make(store: DaemonStore) -> str:
        path = store.add_text("once", b"once")
        store.add_permanent_root(path, str(home / "result"))
        return path

    path = den.client(make)
    auto = f"{den.daemon.layout.gc_roots_dir}/auto"
    assert path not in collected(den.daemon)[0]
    assert len(os.listdir(auto)) == 1
    shutil.rmtree(home)
    assert path in collected(den.daemon)[0]
    assert os.listdir(auto) == os.listdir(den.daemon.layout.root_notes_dir) == []


def test_a_client_of_nix_is_served_as_well(den: Den, home: Path) -> None:
    if shutil.which("nix-store") is None:
        pytest.skip("no nix-store")
    kept = den.client(lambda store: store.add_text("kept", b"kept"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NIX_REMOTE": f"unix://{den.daemon.socket}",
        "NIX_STORE_DIR": den.daemon.layout.store_dir,
        "NIX_STATE_DIR": den.daemon.layout.state_dir,
    }
    command = ["nix-store", "--realise", kept, "--add-root", str(home / "result"), "--indirect"]
    subprocess.run(command, check=True, env=environment, user=CLIENT, group=CLIENT, extra_groups=[], cwd=home)
    gone, _ = collected(den.daemon)
    assert kept not in gone
    assert os.path.exists(kept)


def test_who_has_nothing_in_mind_is_refused(den: Den, home: Path) -> None:
    def ask() -> str:
        try:
            with den.daemon.store() as store:
                store.add_indirect_root(str(home / "result"))
        except Exception as error:  # noqa: BLE001 - whatever it is
            return str(error)
        return ""

    told = as_user(CLIENT, ask)
    assert f"cannot look for roots at `{home}/result`, which {CLIENT} owns: Permission denied" in told
