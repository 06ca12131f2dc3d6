"""Real clients of Nix, as an ordinary user and as root, with the daemon of larix."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.clients import MARKS, Nix
from daemons import Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildOptions, BuildTarget
from larix.store import Layout
from larix.testing.store_conformance import StoreConformance

pytestmark = MARKS


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


@pytest.fixture(params=["root", "ordinary user"])
def nix(request: pytest.FixtureRequest, daemon: Daemon) -> Nix:
    if os.geteuid() != 0:
        pytest.skip("only root can act as somebody else")
    return Nix(daemon, None if request.param == "root" else 12345)


@pytest.fixture
def root(daemon: Daemon) -> Nix:
    if os.geteuid() != 0:
        pytest.skip("only root is trusted")
    return Nix(daemon, None)


def test_instantiating_building_and_asking(nix: Nix) -> None:
    drv = nix("nix-instantiate", "-A", "above")
    path = nix("nix-store", "--realise", drv)
    below = nix("nix-build", "-A", "below", "--no-out-link")
    assert Path(path).read_text().strip() == below
    assert Path(below).read_text() == "below\n"
    assert nix("nix-store", "--query", "--references", path) == below
    assert nix("nix-store", "--query", "--referrers", below) == path
    assert set(nix("nix-store", "--query", "--requisites", path).split()) == {path, below}
    assert nix("nix-store", "--query", "--deriver", path) == drv
    assert nix("nix-store", "--query", "--outputs", drv) == path
    assert nix("nix-store", "--query", "--hash", path).startswith("sha256:")
    assert nix("nix-store", "--query", "--size", path) == "184"
    assert nix("nix-store", "--query", "--tree", path).splitlines()[0] == path
    assert json.loads(nix("nix", "path-info", "--json", path))[0]["deriver"] == drv
    assert b"larix" in nix.run("nix", "store", "ping").stderr


def test_what_fails_says_so(nix: Nix) -> None:
    done = nix.run("nix-build", "-A", "bad", "--no-out-link")
    assert done.returncode != 0
    assert b"oops" in done.stderr
    assert b"failed with exit code 3" in done.stderr


def test_building_again_and_comparing(nix: Nix) -> None:
    drv = nix("nix-instantiate", "-A", "below")
    nix("nix-store", "--realise", drv)
    nix("nix-store", "--realise", drv, "--check")


def test_adding_files_and_trees(nix: Nix) -> None:
    (nix.folder / "tree").mkdir()
    (nix.folder / "tree/program").write_text("#!/bin/sh\n")
    (nix.folder / "tree/program").chmod(0o755)
    (nix.folder / "tree/link").symlink_to("program")
    tree = nix("nix-store", "--add", "tree")
    assert os.readlink(f"{tree}/link") == "program"
    assert os.access(f"{tree}/program", os.X_OK)
    flat = nix("nix-store", "--add-fixed", "sha1", "tree/program")
    recursive = nix("nix-store", "--add-fixed", "--recursive", "sha512", "tree")
    assert Path(flat).read_text() == "#!/bin/sh\n"
    assert os.path.isdir(recursive)
    nix("nix-store", "--verify-path", tree, flat, recursive)
    large = nix.folder / "large"
    with large.open("wb") as stream:
        stream.truncate((1 << 26) + 4096)
    if nix.uid is not None:
        os.chown(large, nix.uid, nix.uid)
    assert os.path.getsize(nix("nix-store", "--add-fixed", "sha256", "large")) == (1 << 26) + 4096


def test_roots_keep_and_what_has_none_goes(nix: Nix) -> None:
    path = nix("nix-build", "-A", "above", "-o", "result")
    assert os.readlink(nix.folder / "result") == path
    assert path not in nix("nix-store", "--gc", "--print-dead")
    nix("nix-store", "--gc")
    assert os.path.exists(path)
    refused = nix.run("nix-store", "--delete", path)
    assert refused.returncode != 0
    assert b"alive" in refused.stderr
    assert path in nix("nix-store", "--gc", "--print-live")
    roots = nix("nix-store", "--gc", "--print-roots")
    assert f"-> {path}" in roots
    assert (str(nix.folder) in roots) is (nix.uid is None), "names of others' files are hidden"
    (nix.folder / "result").unlink()
    nix("nix-store", "--delete", path)
    assert not os.path.exists(path)


def test_environments_of_users(nix: Nix) -> None:
    """`nix-env` with a profile: install, list, upgrade by another, roll back, remove."""
    (nix.folder / "env.nix").write_text(
        """
        let build = name: greeting: derivation {
          inherit name; system = "x86_64-linux"; builder = "${/bin/bash-static}";
          PATH = "${/bin/busybox}";
          args = [ "-c" ''
            (exec -a mkdir $PATH -p $out/bin $out/share/doc)
            echo > $out/bin/${greeting}; echo > $out/share/doc/${greeting}
          '' ];
        }; in [ (build "one-1" "one") (build "two-2" "two") ]
        """
    )
    profile = f"{nix.folder}/profile"
    nix("nix-env", "-p", profile, "-f", "env.nix", "-i")
    assert sorted(os.listdir(f"{profile}/share/doc")) == ["one", "two"]
    assert sorted(os.listdir(f"{profile}/bin")) == ["one", "two"]
    assert nix("nix-env", "-p", profile, "-q").split() == ["one-1", "two-2"]
    nix("nix-env", "-p", profile, "-e", "one")
    assert os.listdir(f"{profile}/share/doc") == ["two"]
    nix("nix-env", "-p", profile, "--rollback")
    assert sorted(os.listdir(f"{profile}/share/doc")) == ["one", "two"]


def test_equal_files_are_shared(nix: Nix) -> None:
    for name in ("one", "two"):
        (nix.folder / name).write_text("same" * 1000)
    one, two = nix("nix-store", "--add", "one"), nix("nix-store", "--add", "two")
    nix("nix-store", "--optimise")
    assert os.stat(one).st_ino == os.stat(two).st_ino
    nix("nix-store", "--verify", "--check-contents")


def test_verifying_and_archives(nix: Nix, tmp_path: Path) -> None:
    path = nix("nix-build", "-A", "below", "--no-out-link")
    nix("nix-store", "--verify", "--check-contents")
    nix("nix", "store", "verify", "--no-trust", path)
    dump = nix.run("nix-store", "--dump", path).stdout
    assert nix.run("nix", "store", "dump-path", path).stdout == dump


def test_copies_to_a_cache_and_back(root: Nix) -> None:
    path = root("nix-build", "-A", "above", "--no-out-link")
    cache = f"file://{root.folder}/cache"
    root("nix", "copy", "--to", cache, path)
    root("nix-store", "--gc")
    assert not os.path.exists(path)
    root("nix", "copy", "--no-check-sigs", "--from", cache, path)
    assert os.path.exists(path)


def test_exports_are_for_everybody_and_imports_for_the_trusted(daemon: Daemon, root: Nix) -> None:
    stranger = Nix(daemon, 12345)
    path = stranger("nix-build", "-A", "above", "--no-out-link")
    closure = stranger("nix-store", "--query", "--requisites", path).split()
    bundle = stranger.run("nix-store", "--export", *closure).stdout
    root("nix-store", "--delete", *closure)
    refused = stranger.run("nix-store", "--import", data=bundle)
    assert refused.returncode != 0
    assert b"neither named by its content nor signed" in refused.stderr
    assert not os.path.exists(path)
    assert root("nix-store", "--import", data=bundle).split()[-1] == path
    assert os.path.exists(path)


def test_strangers_cannot_repair_or_sign(daemon: Daemon, root: Nix) -> None:
    stranger = Nix(daemon, 12345)
    path = stranger("nix-build", "-A", "below", "--no-out-link")
    for words in (
        ("nix-store", "--verify", "--repair"),
        ("nix", "store", "sign", "--key-file", "key", path),
    ):
        (stranger.folder / "key").write_text(root("nix", "key", "generate-secret", "--key-name", "k"))
        assert stranger.run(*words).returncode != 0
    (root.folder / "key").write_text(root("nix", "key", "generate-secret", "--key-name", "k"))
    root("nix", "store", "sign", "--key-file", "key", path)
    assert "k:" in root("nix", "path-info", "--sigs", path)


def test_logs_are_where_nix_looks_for_them(daemon: Daemon, nix: Nix) -> None:
    path = nix("nix-build", "--no-out-link", "-A", "below")
    drv = nix("nix-store", "--query", "--deriver", path)
    assert nix.run("nix", "log", path).stdout == b"from below\n"
    assert nix.run("nix-store", "--read-log", drv).stdout == b"from below\n"
    (folder,) = Path(daemon.layout.log_dir, "drvs").iterdir()
    assert [file.suffix for file in folder.iterdir()] == [".bz2"]
    with daemon.store() as store:
        store.realise([BuildTarget(StorePath(drv))], BuildOptions(check=True))
    assert [file.suffix for file in folder.iterdir()] == [".gz"], "as larix and Guix keep them"


def test_the_trusted_repair(root: Nix) -> None:
    path = root("nix-build", "-A", "below", "--no-out-link")
    contents = Path(path).read_bytes()

    def damage() -> None:
        os.chmod(path, 0o644)
        Path(path).write_bytes(b"something else")
        os.chmod(path, 0o444)

    damage()
    done = root.run("nix-store", "--verify", "--check-contents", "--repair")
    assert done.returncode == 0, done.stderr
    assert f"repaired `{path}'".encode() in done.stderr
    assert Path(path).read_bytes() == contents
    damage()
    assert root("nix-build", "--repair", "-A", "below", "--no-out-link") == path
    assert Path(path).read_bytes() == contents


ACTIVATED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp("nix-daemon", ["nix-daemon"])
"""


@pytest.fixture
def real_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonStore]:
    """The other way round: larix as the client of a real `nix-daemon`."""
    with running_daemon() as shape:  # for its folder, which everybody can reach
        folder = shape.folder / "real"
        folder.mkdir()
        (folder / "nix.conf").write_text("build-users-group =\nsandbox = false\nsubstituters =\n")
        layout = Layout(StoreDir(f"{folder}/store"), f"{folder}/var", f"{folder}/log")
        name = f"{folder}/var/daemon-socket/socket"
        os.makedirs(os.path.dirname(name))
        with socket.socket(
            socket.AF_UNIX
        ) as listening:  # handed over, it takes clients from the first moment
            listening.bind(name)
            listening.listen()
            number = listening.fileno()
            process = subprocess.Popen(
                [sys.executable, "-c", ACTIVATED, str(number)],
                env={
                    "PATH": os.environ["PATH"],
                    "NIX_STORE_DIR": layout.store_dir,
                    "NIX_STATE_DIR": layout.state_dir,
                    "NIX_LOG_DIR": layout.log_dir,
                    "NIX_CONF_DIR": str(folder),
                    "NIX_REMOTE": "local",
                },
                pass_fds=[number],
                stderr=subprocess.DEVNULL,
            )
        try:
            with DaemonStore(Connection(connect(name), layout.store_dir)) as store:
                yield store
        finally:
            process.kill()  # a termination that comes while it begins to wait for clients is lost on it
            process.wait()


class TestStoreOfARealDaemon(StoreConformance):
    # Nix leaves the tree that it refused on the disk, as an invalid item.
    test_an_archive_with_another_hash_or_size_leaves_nothing = None  # type: ignore[assignment]

    @pytest.fixture
    def store(self, real_daemon: DaemonStore) -> DaemonStore:
        return real_daemon


def test_a_real_daemon_builds_for_larix(real_daemon: DaemonStore) -> None:
    from daemon.conftest import shell_build

    store = real_daemon
    lowered = shell_build(store.store_dir, "greeting", "echo hi > $out")
    store.instantiate([lowered])
    outputs = store.realise([BuildTarget(StorePath(lowered.path))], BuildOptions())
    assert Path(outputs[lowered.path]["out"]).read_text() == "hi\n"
    assert store.daemon.startswith("2.")
