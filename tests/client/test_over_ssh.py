"""Stores of other machines, by a real `sshd` of this one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.clients import EXPRESSION, SHELL
from daemons import PYTHON_FOR_ALL, SOURCES, Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import NoDaemon, connect
from larix.formats.storepath import StoreDir
from larix.store import open_local_store
from larix.store.atomic import remove_tree
from larix.testing.store_conformance import TREE, write_tree

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")
USER = 12345

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="no OpenSSH (openssh-server)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root starts an sshd that lets somebody in"),
]


def _write(file: Path, text: str, mode: int = 0o644) -> Path:
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


class Host:
    """An `sshd` on a free port, where `larix`, `nix-daemon` and `nix-store` are what a test wants."""

    def __init__(self, folder: Path, daemon: Daemon) -> None:
        self.folder = folder
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        shutil.copy(folder / "user.pub", folder / "authorized")
        (folder / "bin").mkdir()
        larix = f"exec {sys.executable} -m larix.cli.main"
        _write(folder / "bin/larix", f'#!/bin/sh\n{larix} "$@"\n', 0o755)
        _write(folder / "bin/nix-daemon", f"#!/bin/sh\n{larix} daemon --stdio\n", 0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        variables = daemon.environment() | {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "NIX_REMOTE": f"unix://{daemon.socket}",
            "NIX_STORE_DIR": daemon.layout.store_dir,
            "NIX_STATE_DIR": daemon.layout.state_dir,
        }
        kept = {
            name: text
            for name, text in variables.items()
            if name.startswith(("LARIX", "NIX", "PYTHONPATH", "PATH"))
        }
        settings = " ".join(f'"{name}={text}"' for name, text in kept.items())
        _write(
            folder / "sshd_config",
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {folder}/host\nStrictModes no\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/authorized\nPidFile {folder}/pid\nPermitRootLogin yes\n"
            f"SetEnv {settings}\n",
        )
        user = pwd.getpwuid(os.geteuid()).pw_name
        host_key = (folder / "host.pub").read_text(encoding="ascii")
        _write(folder / "known", f"[127.0.0.1]:{self.port} {host_key}")
        self.options = (
            f"-F none -i {folder}/user -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known "
            f"-o StrictHostKeyChecking=yes -o BatchMode=yes -p {self.port}"
        )
        ssh = shutil.which("ssh")
        (folder / "local").mkdir()
        _write(folder / "local/ssh", f'#!/bin/sh\nexec {ssh} {self.options} "$@"\n', 0o755)
        self.address = f"{user}@127.0.0.1"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


@pytest.fixture
def host(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(daemon.folder, daemon)
    os.makedirs("/run/sshd", exist_ok=True)
    process = subprocess.Popen(
        [str(SSHD), "-D", "-e", "-f", str(made.folder / "sshd_config")], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "listening on" in line:
            break
    else:
        pytest.fail("sshd does not start")
    monkeypatch.setenv("PATH", f"{made.folder}/local:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", SOURCES)
    try:
        yield made
    finally:
        process.terminate()
        process.stderr.close()
        process.wait()


def opened(host: Host, daemon: Daemon, path: str = "") -> DaemonStore:
    return DaemonStore(Connection(connect(f"ssh://{host.address}{path}"), daemon.layout.store_dir))


def test_the_daemon_of_another_machine_is_a_store(host: Host, daemon: Daemon, tmp_path: Path) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    with opened(host, daemon) as store:
        assert store.daemon.startswith("larix ")
        path = store.add_path("tree", str(tmp_path / "tree"))
        text = store.add_text("text", b"hello", [path])
        assert store.closure([text]) == {path, text}
        assert store.read_text(text) == b"hello", "read by the daemon: files there are not files here"
    with daemon.store() as here:
        assert here.is_valid(text)


def test_without_a_daemon_the_store_itself_is_found(host: Host, daemon: Daemon) -> None:
    os.unlink(daemon.socket)
    with opened(host, daemon) as store:
        assert store.is_valid(store.add_text("text", b"hello"))
    assert "session" not in daemon.log()


def test_a_socket_that_is_named_must_be_there(host: Host, daemon: Daemon) -> None:
    with pytest.raises(NoDaemon, match="no daemon listens on `/nowhere/socket`: No such file") as raised:
        opened(host, daemon, "/nowhere/socket")
    assert raised.value.hint == "start it, or name no socket to use the store without it"


def test_what_keeps_a_store_there_shut_is_told(host: Host, daemon: Daemon) -> None:
    os.unlink(daemon.socket)
    open_local_store(daemon.layout).close()
    Path(daemon.layout.schema_file).write_text("11", encoding="ascii")
    with pytest.raises(
        NoDaemon, match=f"larix at `{host.address}` cannot: the database .* has format `11`"
    ) as raised:
        opened(host, daemon)
    assert "use the version of larix" in str(raised.value.hint)


def test_an_ordinary_user_there_has_a_store_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ssh` would run it: no daemon, no rights, no variables."""
    home = Path(tempfile.mkdtemp(prefix="larix-test-", dir="/tmp"))
    os.chown(home, USER, USER)
    if not os.path.exists(PYTHON_FOR_ALL):
        pytest.skip("no python that an ordinary user may run")
    variables = f"HOME={home} PATH=/usr/bin:/bin PYTHONPATH={SOURCES}"
    become = f"setpriv --reuid={USER} --regid={USER} --clear-groups"
    larix = f"{PYTHON_FOR_ALL} -B -m larix.cli.main daemon --stdio"
    _write(home / "ssh", f"#!/bin/sh\nexec {become} env -i {variables} {larix}\n", 0o755)
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    try:
        try:
            connection = Connection(connect("ssh://me@there"), StoreDir("/larix/store"))
        except NoDaemon as error:
            if "does not give an ordinary user a store" in str(error):
                pytest.skip(str(error))
            raise
        with DaemonStore(connection) as store:
            path = store.add_text("text", b"hello")
            assert store.read_text(path) == b"hello"
        inside = path.removeprefix("/larix/")
        assert (home / ".local/share/larix" / inside).read_bytes() == b"hello"
        assert (home / ".local/share/larix" / inside).stat().st_uid == USER
    finally:
        remove_tree(str(home))


def test_a_host_that_lets_nobody_in_is_told(host: Host, daemon: Daemon) -> None:
    (host.folder / "authorized").write_text("", encoding="ascii")
    with pytest.raises(
        NoDaemon, match=r"ssh does not reach `root@127\.0\.0\.1`: .*Permission denied"
    ) as raised:
        opened(host, daemon)
    assert raised.value.hint == "try `ssh root@127.0.0.1 larix --version`"


def test_a_host_that_is_not_there_is_told(host: Host) -> None:
    ssh = host.folder / "local/ssh"
    ssh.write_text(ssh.read_text().replace(f" -p {host.port}", ""))
    with pytest.raises(NoDaemon, match=r"ssh does not reach `127\.0\.0\.1`: .*refused") as raised:
        Connection(connect("ssh://127.0.0.1:1"), StoreDir("/larix/store"))
    assert raised.value.hint == "try `ssh -p 1 127.0.0.1 larix --version`"


def test_a_host_without_larix_is_told(host: Host, daemon: Daemon) -> None:
    (host.folder / "bin/larix").unlink()
    with pytest.raises(NoDaemon, match=r"finds no larix: .*not found") as raised:
        opened(host, daemon)
    assert "install it there" in str(raised.value.hint)


@pytest.mark.compat
@pytest.mark.skipif(shutil.which("nix-store") is None, reason="real Nix is not on this machine")
@pytest.mark.skipif(not os.path.exists(SHELL), reason="no static shell (Debian: bash-static)")
@pytest.mark.parametrize("scheme", ["ssh-ng", "ssh"])
def test_nix_copies_over_ssh(host: Host, daemon: Daemon, scheme: str) -> None:
    """By the protocol of the daemon, which `larix` speaks there, and by that of `nix-store --serve`."""
    here = host.folder / "here-too"
    here.mkdir()
    _write(here / "default.nix", EXPRESSION)
    _write(here / "nix.conf", "substituters =\nexperimental-features = nix-command\nbuild-users-group =\n")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("NIX_")} | {
        "NIX_REMOTE": f"local?root={here}/root",
        "NIX_STORE_DIR": str(StoreDir(daemon.layout.store_dir)),
        "NIX_CONF_DIR": str(here),
        "HOME": str(here),
    }

    def run(*words: str) -> str:
        done = subprocess.run(words, env=environment, cwd=here, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    drv = run("nix-instantiate", "-A", "above")
    target = f"{scheme}://{host.address}"
    run("nix", "copy", "--no-check-sigs", "--derivation", "--to", target, drv)
    with daemon.store() as store:
        assert store.is_valid(drv)  # type: ignore[arg-type]
    if scheme == "ssh":
        run("nix-copy-closure", "--to", host.address, drv)
    source = run("nix-store", "--add", "default.nix")
    run("nix", "copy", "--no-check-sigs", "--to", target, source)
    run("nix-store", "--delete", source)
    run("nix", "copy", "--no-check-sigs", "--from", target, source)
    assert run("nix-store", "--check-validity", source) == ""
