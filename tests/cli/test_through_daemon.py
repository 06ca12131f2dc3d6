"""The commands, with a daemon between them and the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.formats.nar import Directory, File
from larix.formats.storepath import StorePath
from larix.store.errors import StoreError
from larix.testing.store_conformance import write_tree

pytestmark = pytest.mark.slow

PROGRAM = Directory({b"bin": Directory({b"hello": File(b"#!/bin/sh\necho hello\n", executable=True)})})


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


@pytest.fixture
def larix(larix_in, daemon: Daemon):
    """In a folder that the users of builds can reach, too."""
    made = larix_in(daemon.folder, Path(daemon.layout.store_dir), Path(daemon.layout.state_dir))
    made.environment["LARIX_DAEMON_SOCKET"] = daemon.socket
    return made


@pytest.fixture
def item(daemon: Daemon, tmp_path: Path) -> StorePath:
    write_tree(PROGRAM, os.fsencode(tmp_path / "hello"))
    with daemon.store() as store:
        return store.add_path("hello-1.0", str(tmp_path / "hello"))


def test_a_profile_is_made_switched_and_rolled_back(larix, daemon: Daemon, item: StorePath) -> None:
    larix.succeed("package", "-p", "./p", "-i", item)
    assert subprocess.check_output([larix.folder / "p/bin/hello"], text=True) == "hello\n"
    assert larix.succeed("package", "-p", "./p", "-I").split()[:2] == ["hello", "1.0"]
    larix.succeed("package", "-p", "./p", "-r", "hello")
    assert larix("package", "-p", "./p", "--roll-back").returncode == 0
    assert (larix.folder / "p/bin/hello").exists()
    assert "session" in daemon.log()


def test_garbage_is_asked_for_and_collected(larix, daemon: Daemon, item: StorePath) -> None:
    larix.succeed("package", "-p", "./p", "-i", item)
    with daemon.store() as store:
        unused = store.add_text("unused", b"unused")
    assert unused in larix.succeed("gc", "--list-dead").splitlines()
    assert item in larix.succeed("gc", "--list-live").splitlines()
    assert json.loads(larix.succeed("gc", "--references", item, "--json"))["paths"] == []
    refused = larix("gc", "-D", item)
    assert refused.returncode == 1
    assert "alive" in refused.stderr
    done = larix("gc")
    assert done.returncode == 0
    assert f"deleting '{unused}'" in done.stderr
    assert not os.path.exists(unused)
    assert (larix.folder / "p/bin/hello").exists()
    assert larix("gc", "--verify=contents").returncode == 0


def test_who_keeps_the_store_is_told_to_who_asks(larix, daemon: Daemon, item: StorePath) -> None:
    told = f"note: using the store {daemon.layout.store_dir} by the daemon at {daemon.socket}\n"
    assert told in larix("package", "-p", "./p", "-i", item, "--verbosity=2").stderr
    assert told in larix("size", "./p", "--debug").stderr
    assert told not in larix("size", "./p").stderr
    alone = larix("size", "./p", "--debug", LARIX_DAEMON_SOCKET="").stderr
    assert f"note: using the directories store {daemon.layout.store_dir}\n" in alone


def test_profiles_are_looked_at(larix, item: StorePath) -> None:
    larix.succeed("package", "-p", "./p", "-i", item)
    assert larix.succeed("why", "./p", "hello").endswith(f"└─ {item}\n")
    assert item in larix.succeed("size", "./p")
    assert item in larix.succeed("graph", "-t", "references", "./p")
    assert "-profile" in larix.succeed("graph", "-t", "referrers", item)
    assert larix.succeed("diff", "./p", "./p").startswith("./p → ./p\n")
    assert "/p" in larix.succeed("size", "--roots")


def test_what_only_the_keeper_of_the_store_can_do_says_so(larix, daemon: Daemon) -> None:
    done = larix("gc", "--vacuum-database")
    assert done.returncode == 1
    assert "kept by a daemon" in done.stderr
    if os.geteuid() == 0:
        assert "hint: unset LARIX_DAEMON_SOCKET: root works on the store itself" in done.stderr


@pytest.fixture
def remote(larix, daemon: Daemon):
    """A larix for which the store is on another machine, and nothing of it is here."""
    ssh = daemon.folder / "ssh"
    variables = " ".join(f"{name}={value}" for name, value in daemon.environment().items() if "LARIX" in name)
    ssh.write_text(f"#!/bin/sh\nexec env {variables} {sys.executable} -m larix.cli.main daemon --stdio\n")
    ssh.chmod(0o755)
    larix.environment |= {
        "LARIX_DAEMON_SOCKET": "ssh://me@there:22",
        "LARIX_STATE_DIRECTORY": str(daemon.folder / "here"),
        "PATH": f"{daemon.folder}:{os.environ['PATH']}",
    }
    return larix


def test_roots_of_another_machine_are_asked_for(remote, daemon: Daemon, item: StorePath) -> None:
    link = str(daemon.folder / "link")
    with daemon.store() as store:
        store.add_permanent_root(item, link)
    assert remote.succeed("gc", "--list-roots").splitlines() == [link]
    assert remote.succeed("gc", "--list-busy") == ""
    with daemon.store() as busy:
        busy.add_temp_root(item)
        assert remote.succeed("gc", "--list-busy").splitlines() == [item]


@pytest.mark.parametrize(
    "words",
    [
        ["gc", "--report"],
        ["gc", "--by-user"],
        ["gc", "-d", "1d"],
        ["gc", "-F", "1T"],
        ["size", "--roots"],
        ["build", "-r", "result", "x.drv"],
        ["package", "-p", "p", "-i", "ITEM"],
    ],
)
def test_what_cannot_be_seen_from_here_is_refused(remote, item: StorePath, words: list[str]) -> None:
    done = remote(*(word.replace("ITEM", item) for word in words))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "error: the store is on another machine" in done.stderr
    assert f"run it on that machine: `ssh -p 22 me@there larix {words[0]} " in done.stderr
    assert not os.path.lexists(remote.folder / "result")
    assert not os.path.lexists(remote.folder / "p")


def test_a_root_is_not_made_for_a_store_that_is_elsewhere(daemon: Daemon, item: StorePath) -> None:
    transport = connect(daemon.socket)._replace(is_local=False)
    elsewhere = pytest.raises(StoreError, match="is no root there: the store is on another machine")
    with DaemonStore(Connection(transport, daemon.layout.store_dir)) as store, elsewhere:
        store.add_permanent_root(item, str(daemon.folder / "link"))
    assert not os.path.lexists(daemon.folder / "link")


def test_the_state_of_another_store_is_not_taken_for_its_own(larix, daemon: Daemon, item: StorePath) -> None:
    """As `LARIX_STORE_DIR=/nix/store LARIX_DAEMON_SOCKET=...` has it."""
    del larix.environment["LARIX_STATE_DIRECTORY"]
    with daemon.store() as store:
        store.add_permanent_root(item, str(daemon.folder / "link"))
    assert larix.succeed("gc", "--list-roots") == f"{daemon.folder}/link\n"
    for words in (["--report"], ["-n", "-d"]):
        done = larix("gc", *words)
        assert done.returncode == 1
        assert f"where roots and profiles of `{daemon.layout.store_dir}` are is not known" in done.stderr
        assert "hint: set LARIX_STATE_DIRECTORY" in done.stderr


def test_a_daemon_that_is_not_there_is_named(larix) -> None:
    done = larix("gc", "--list-dead", LARIX_DAEMON_SOCKET="/nowhere/socket")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot reach a daemon at `/nowhere/socket`" in done.stderr
    assert "hint: start it with `larix daemon`" in done.stderr
    assert larix("gc", "--list-dead", LARIX_DAEMON_SOCKET="").returncode == 0
    odd = larix("gc", "--list-dead", LARIX_DAEMON_SOCKET="ftp://host")
    assert "ftp://host: connection is not supported" in odd.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works beside somebody else's daemon")
def test_root_leaves_nothing_in_the_store_of_a_daemon_without_rights(larix_in) -> None:
    """What root makes there, nobody but root can delete: each collection of the owner would fail."""
    with running_daemon(user=12345) as daemon:
        larix = larix_in(daemon.folder, Path(daemon.layout.store_dir), Path(daemon.layout.state_dir))
        with daemon.store() as store:
            unused = store.add_text("unused", b"unused")
        alone = larix("gc", LARIX_DAEMON_SOCKET="")
        assert alone.returncode == 1
        assert f"`{daemon.layout.store_dir}` is not root's" in alone.stderr
        places = f"LARIX_STORE_DIR={daemon.layout.store_dir} LARIX_STATE_DIRECTORY={daemon.layout.state_dir}"
        assert f"its owner: `sudo -u '#12345' {places} larix`" in alone.stderr
        assert f"deleting '{unused}'" in larix("gc").stderr, "by the daemon"
        told = larix("gc", "--vacuum-database").stderr
        assert f"runs the daemon: `sudo -u '#12345' {places} larix gc --vacuum-database`" in told
        for folder, _, files in os.walk(daemon.layout.state_dir):
            for name in (".", *files):
                assert os.lstat(f"{folder}/{name}").st_uid == 12345
        daemon.process.terminate()
        daemon.process.wait()
        assert "start its daemon" in larix("gc").stderr
