"""Larix as the client of a real `guix-daemon`: the machine's own, or Debian's with the libraries it needs."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Larix
from daemon.conftest import shell_build
from daemons import SOURCES
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.errors import LarixError
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildOptions, BuildTarget
from larix.store import Layout
from larix.store.atomic import remove_tree
from larix.testing.store_conformance import StoreConformance

pytestmark = pytest.mark.slow

LOADER = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
# Of Debian 13: the daemon is a program of its own, to which no Guile is needed.
PACKAGES = {
    "b/bzip2/libbz2-1.0_1.0.8-6": "cba4cda04244b5e481bb15524bc3c983a7d1b6f330013b9b381706a2fcb65310",
    "g/gcc-14/libgcc-s1_14.2.0-19": "3c71917b490d1a17aed43196a2787a256ecf060526cdb20216a74bedc061b150",
    "g/gcc-14/libstdc++6_14.2.0-19": "ab1fa05837aa7a92aae748fd07a18a35f7d18bb4a71c4724fe2bbf0e32089de0",
    "g/glibc/libc6_2.41-12+deb13u5": "b59b0625cd1a791375d40dab23a4d5d3d0641e3d0a773501becdc3725b7f99cf",
    "g/guix/guix_1.4.0-9": "b1a6a2da6d7fdf9e3f5e4e55f6871ad2c9d166aac499d23154f52f5a1829ed8b",
    "libg/libgcrypt20/libgcrypt20_1.11.0-7+deb13u1": (
        "f0eb41f8cb40896e0822e9ab65611e8383c12b721c76c54764f744abb4a8c247"
    ),
    "libg/libgpg-error/libgpg-error0_1.51-4": (
        "22b95570fd41c113ef6f5651563b4d748292844baab1278a46eb940c1dec2322"
    ),
    "s/sqlite3/libsqlite3-0_3.46.1-7+deb13u2": (
        "0a459adaffd901109f7811ab65f58e7a957b4907d05539cf3d1184efdcde0468"
    ),
    "z/zlib/zlib1g_1.3.dfsg+really1.3.1-1+deb13u1": (
        "8c27c342230503b73dfde629642c3b352e87b554e06d60cf58772f236a305ceb"
    ),
}


@pytest.fixture(scope="session")
def program() -> Iterator[list[str]]:
    """The command that is `guix-daemon`."""
    found = shutil.which("guix-daemon")
    if found is not None:
        yield [found]
        return
    if os.uname().machine != "x86_64" or shutil.which("dpkg-deb") is None:
        pytest.skip("no guix-daemon, and no Debian packages of it for this machine")
    folder = Path(tempfile.mkdtemp(prefix="larix-test-"))
    folder.chmod(0o755)
    try:
        larix = Larix(folder, folder / "downloads", folder / "var")
        for name, digest in PACKAGES.items():
            done = larix("download", f"debian://pool/main/{name}_amd64.deb")
            if done.returncode != 0:
                pytest.skip(f"no guix-daemon, and Debian's cannot be had here: {done.stderr.splitlines()[0]}")
            file = done.stdout.split()[0]
            assert hashlib.sha256(Path(file).read_bytes()).hexdigest() == digest, name
            subprocess.run(["dpkg-deb", "-x", file, folder / "root"], check=True)
        libraries = os.path.dirname(f"{folder}/root/{LOADER}")
        yield [f"{folder}/root/{LOADER}", "--library-path", libraries, f"{folder}/root/usr/bin/guix-daemon"]
    finally:
        remove_tree(str(folder))


class Guix:
    """A running daemon with a store of its own."""

    def __init__(self, program: list[str], folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(StoreDir(f"{folder}/store"), f"{folder}/var", f"{folder}/log")
        self.socket = f"{folder}/socket"
        for name in ("store", "var", "db", "log", "etc"):
            (folder / name).mkdir()
        helper = folder / "guix"  # which the daemon asks for what running processes use
        words = [sys.executable, "-m", "larix.cli.main"]
        helper.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        helper.chmod(0o755)
        self.log = (folder / "daemon.log").open("wb")
        self.process = subprocess.Popen(
            [*program, f"--listen={self.socket}", "--no-substitutes", "--disable-chroot"],
            env={
                "PATH": os.environ["PATH"],
                "NIX_STORE_DIR": self.layout.store_dir,
                "GUIX_STATE_DIRECTORY": self.layout.state_dir,
                "GUIX_DATABASE_DIRECTORY": f"{folder}/db",
                "GUIX_LOG_DIRECTORY": self.layout.log_dir,
                "GUIX_CONFIGURATION_DIRECTORY": f"{folder}/etc",
                "GUIX": str(helper),
                "PYTHONPATH": SOURCES,
                "LARIX_STORE_DIR": self.layout.store_dir,
                "LARIX_STATE_DIRECTORY": f"{folder}/larix",
            },
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        while not self._answers():
            assert self.process.poll() is None, (folder / "daemon.log").read_text(errors="replace")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def store(self) -> DaemonStore:
        return DaemonStore(Connection(connect(self.socket), self.layout.store_dir))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def guix(program: list[str]) -> Iterator[Guix]:
    folder = Path(tempfile.mkdtemp(prefix="larix-test-"))
    folder.chmod(0o755)
    running = Guix(program, folder)
    try:
        yield running
    finally:
        running.close()
        remove_tree(str(folder))


class TestStoreOfARealDaemon(StoreConformance):
    tells_addresses = False
    # Guix takes no archive without a signature, from nobody, and tells none.
    test_an_archive_is_taken_as_its_record_says = None  # type: ignore[assignment]
    test_signatures_come_together = None  # type: ignore[assignment]

    @pytest.fixture
    def store(self, guix: Guix) -> Iterator[DaemonStore]:
        with guix.store() as opened:
            yield opened


def test_it_builds_what_larix_instantiates_and_its_failures_are_told(guix: Guix) -> None:
    with guix.store() as store:
        below = shell_build(store.store_dir, "below", "echo below > $out")
        broken = shell_build(store.store_dir, "broken", "echo oops >&2; exit 3")
        store.instantiate([below, broken])
        outputs = store.realise([BuildTarget(below.path)], BuildOptions())
        assert Path(outputs[below.path]["out"]).read_text() == "below\n"
        assert store.derivers(StorePath(below.output_path())) == {below.path}
        with pytest.raises(LarixError, match="broken") as caught:
            store.realise([BuildTarget(broken.path)], BuildOptions())
        assert caught.value.exit_code == 100


@pytest.fixture
def larix(guix: Guix) -> Larix:
    made = Larix(guix.folder, Path(guix.layout.store_dir), Path(guix.layout.state_dir))
    made.environment["LARIX_DAEMON_SOCKET"] = guix.socket
    return made


def test_commands_build_keep_and_collect(guix: Guix, larix: Larix) -> None:
    with guix.store() as store:
        lowered = shell_build(store.store_dir, "greeting", "echo hi > $out")
        store.instantiate([lowered])
        unused = store.add_text("unused", b"unused")
    output = larix.succeed("build", lowered.path, "-r", "result").strip()
    assert Path(output).read_text() == "hi\n"
    assert larix.succeed("gc", "--references", lowered.path).split() == sorted(lowered.references)
    assert unused in larix.succeed("gc", "--list-dead").split()
    assert output in larix.succeed("gc", "--list-live").split()
    refused = larix("gc", "-D", output)
    assert refused.returncode == 1
    assert "alive" in refused.stderr
    larix.succeed("gc")
    assert os.path.exists(output)
    assert not os.path.exists(unused)
    assert larix("gc", "--verify=contents").returncode == 0
    (guix.folder / "result").unlink()
    larix.succeed("gc", "-D", output)
    assert not os.path.exists(output)
