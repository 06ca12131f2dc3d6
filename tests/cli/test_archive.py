"""`larix archive`: signed exports, their way into another store, and the keys."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from daemons import SOURCES, running_daemon
from larix.formats.storepath import StoreDir
from larix.store import Layout
from larix.store.opening import open_local_store

pytestmark = pytest.mark.slow


class Machine:
    """State and configuration of its own; all stores have the same name, as on real machines."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.layout = Layout(StoreDir(f"{folder}/store"), f"{self.folder}/var", f"{self.folder}/log")
        self.conf = self.folder / "etc"
        self.store_copy = folder / "store"
        self.extra: dict[str, str] = {}

    def run(self, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "larix.cli.main", "archive", *words],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": SOURCES,
                "LC_ALL": "C",
                "LARIX_STORE_DIR": self.layout.store_dir,
                "LARIX_STATE_DIRECTORY": self.layout.state_dir,
                "LARIX_CONFIGURATION_DIRECTORY": str(self.conf),
                **self.extra,
            },
            input=data,
            capture_output=True,
            check=False,
        )

    def __call__(self, *words: str, data: bytes = b"") -> bytes:
        done = self.run(*words, data=data)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture
def sender(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "sender")


@pytest.fixture
def receiver(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "receiver")


def exported(sender: Machine) -> tuple[bytes, list[str]]:
    """Two items, of which one needs the other; they are gone from the disk when this returns."""
    sender("--generate-key")
    with open_local_store(sender.layout) as store:
        below = store.add_text("below", b"below")
        above = store.add_text("above", f"above {below}".encode(), [below])
    bundle = sender("--export", "-r", above)
    for path in (below, above):
        os.unlink(path)
    return bundle, [below, above]


def test_items_go_to_who_has_authorised_the_key(sender: Machine, receiver: Machine) -> None:
    bundle, paths = exported(sender)
    names = "".join(f"{path}\n" for path in paths).encode()
    assert receiver("--missing", data=names) == names
    refused = receiver.run("--import", data=bundle)
    assert refused.returncode == 1
    assert b"not authorised here" in refused.stderr
    assert b"--authorize" in refused.stderr
    assert receiver("--missing", data=names) == names
    receiver("--authorize", data=(sender.conf / "signing-key.pub").read_bytes())
    assert receiver("--import", data=bundle) == names
    assert receiver("--missing", data=names) == b""
    assert Path(paths[1]).read_text() == f"above {paths[0]}"


def test_root_needs_a_signature_through_the_daemon_too(sender: Machine) -> None:
    bundle, paths = exported(sender)
    key = (sender.conf / "signing-key.pub").read_bytes()
    layout = sender.layout._replace(state_dir=f"{sender.folder}/other")
    with running_daemon(layout=layout) as daemon:
        client = Machine(sender.folder.parent, "sender")
        client.layout = layout
        client.conf = daemon.folder / "etc"
        client.extra = {"LARIX_DAEMON_SOCKET": daemon.socket}
        refused = client.run("--import", data=bundle)
        assert refused.returncode == 1
        assert b"not authorised here" in refused.stderr
        client("--authorize", data=key)
        imported = client.run("--import", data=bundle)
        assert imported.stdout.decode().split() == paths
        assert imported.stderr.decode() == "".join(f"importing `{path}'...\n" for path in paths), "as alone"
        assert client.run("--export", paths[1]).returncode == 1
        client("--generate-key")
        again = client("--export", "-r", paths[1])
        assert again != bundle, "this is another key's"
        client("--authorize", data=(client.conf / "signing-key.pub").read_bytes())
        client("--import", data=again)


@pytest.mark.parametrize("at", ["archive", "name", "references", "signature", "end"])
def test_what_was_changed_on_the_way_is_refused_and_adds_nothing(
    sender: Machine, receiver: Machine, at: str
) -> None:
    bundle, paths = exported(sender)
    receiver("--authorize", data=(sender.conf / "signing-key.pub").read_bytes())
    name = os.path.basename(paths[0]).encode()
    second = bundle.index(b"nix-archive-1", 100) - 16
    marker = bundle.rindex(b"EXIN") if b"EXIN" in bundle else bundle.rindex(b"NIXE")
    digit = bundle.index(b"(r #") + 12
    changed = {
        "archive": bundle.replace(b"below\0\0\0", b"belox\0\0\0", 1),
        "name": bundle.replace(name, name[:-5] + b"belox", 1),
        "references": bundle[:marker] + bundle[marker:].replace(name, name[:-5] + b"belox", 1),
        "signature": bundle[:digit] + (b"1" if bundle[digit:][:1] == b"0" else b"0") + bundle[digit + 1 :],
        "end": bundle[: second - 24],
    }[at]
    assert changed != bundle
    refused = receiver.run("--import", data=changed)
    assert refused.returncode == 1
    assert b"Traceback" not in refused.stderr
    assert b"hint: " in refused.stderr
    if at in {"archive", "name", "signature"}:
        names = "".join(f"{path}\n" for path in paths).encode()
        assert receiver("--missing", data=names) == names
    else:
        assert paths[1].encode() in receiver("--missing", data=paths[1].encode())


def test_keys_are_made_once_with_the_modes_that_they_need(sender: Machine) -> None:
    sender("--generate-key")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in sender.conf.iterdir()}
    assert modes == {"signing-key.pub": 0o444, "signing-key.sec": 0o400}
    again = sender.run("--generate-key")
    assert again.returncode == 1
    assert f"key pair exists under '{sender.conf}/signing-key.pub'".encode() in again.stderr
    assert not (sender.conf / "acl").exists()


def test_what_is_no_key_is_not_authorised(receiver: Machine) -> None:
    for data in (b"", b"(public-key)", b"ssh-ed25519 AAAA"):
        done = receiver.run("--authorize", data=data)
        assert done.returncode == 1
        assert b"s-expression does not denote a public key" in done.stderr
    assert not receiver.conf.exists()


def test_without_a_key_nothing_is_exported(sender: Machine) -> None:
    with open_local_store(sender.layout) as store:
        path = store.add_text("a", b"a")
    done = sender.run("--export", path)
    assert done.returncode == 1
    assert b"--generate-key" in done.stderr


def test_packages_are_built_before_they_are_exported(builder) -> None:
    builder.environment["LARIX_CONFIGURATION_DIRECTORY"] = str(builder.folder / "etc")
    builder.succeed("archive", "--generate-key")
    with (builder.folder / "bundle").open("wb") as bundle:
        process = builder.start("archive", "--export", "alpha", stdout=bundle, stderr=subprocess.PIPE)
        _, told = process.communicate()
    assert process.returncode == 0, told
    assert "alpha" in told
    (path,) = builder.succeed("build", "-q", "alpha").split()
    assert path.encode() in (builder.folder / "bundle").read_bytes()
    assert builder("archive", "--export", "broken").returncode != 0


def test_one_bare_archive_is_unpacked_and_listed(sender: Machine, tmp_path: Path) -> None:
    with open_local_store(sender.layout) as store:
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree/program").write_text("#!/bin/sh\n")
        (tmp_path / "tree/program").chmod(0o755)
        (tmp_path / "tree/link").symlink_to("program")
        path = store.add_path("tree", str(tmp_path / "tree"))
        archive = b"".join(store.dump_nar(path))
    assert sender("-t", data=archive).decode().splitlines() == ["D\t/\t0", "s\t/link\t7", "x\t/program\t10"]
    sender("-x", str(tmp_path / "out"), data=archive)
    assert os.readlink(tmp_path / "out/link") == "program"
    assert os.access(tmp_path / "out/program", os.X_OK)
    assert sender.run("-x", str(tmp_path / "out"), data=archive).returncode == 1
    assert sender.run("-x", str(tmp_path / "cut"), data=archive[:-8]).returncode == 1


@pytest.mark.parametrize("words", [(), ("--export", "--import"), ("--import", "x")])
def test_one_action_is_asked_for(sender: Machine, words: tuple[str, ...]) -> None:
    done = sender.run(*words)
    assert done.returncode == 1
    assert b"larix: error:" in done.stderr or b"error" in done.stderr
