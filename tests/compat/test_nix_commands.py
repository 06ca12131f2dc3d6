"""Commands of real Nix that the other tests of the daemon do not run, as an ordinary user and as root."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.clients import MARKS, SHELL, Nix
from daemons import Daemon, running_daemon

pytestmark = MARKS


@pytest.fixture(params=["root", "ordinary user"])
def nix(request: pytest.FixtureRequest, daemon: Daemon) -> Nix:
    if os.geteuid() != 0:
        pytest.skip("only root can act as somebody else")
    return Nix(daemon, None if request.param == "root" else 12345)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


def test_looking_into_items(nix: Nix) -> None:
    (nix.folder / "tree/inside").mkdir(parents=True)
    (nix.folder / "tree/inside/file").write_text("contents\n")
    (nix.folder / "tree/link").symlink_to("inside")
    nix.give(nix.folder / "tree")
    path = nix("nix", "store", "add-path", "./tree")
    assert nix("nix", "store", "ls", path).split() == ["./inside", "./link"]
    assert nix("nix", "store", "cat", f"{path}/inside/file") == "contents"
    listing = json.loads(nix("nix", "store", "ls", "--json", "--recursive", path))
    assert listing["entries"]["inside"]["entries"]["file"]["size"] == 9
    flat = nix("nix", "store", "add-file", "./tree/inside/file")
    assert Path(flat).read_text() == "contents\n"
    archive = nix.run("nix-store", "--dump", path).stdout
    nix.run("nix-store", "--restore", "again", data=archive)
    assert (nix.folder / "again/inside/file").read_text() == "contents\n"
    assert nix.run("nix", "nar", "dump-path", path).stdout == archive


def test_questions_about_paths(nix: Nix) -> None:
    path = nix("nix-build", "-A", "above", "--no-out-link")
    drv = nix("nix-store", "--query", "--deriver", path)
    (below,) = nix("nix-store", "--query", "--references", path).split()
    assert set(nix("nix-store", "--query", "--referrers-closure", below).split()) == {below, path}
    assert drv in nix("nix-store", "--query", "--requisites", drv).split()
    assert path in nix("nix-store", "--query", "--requisites", "--include-outputs", drv).split()
    assert nix("nix-store", "--query", "--binding", "name", drv) == "above"
    assert nix("nix-store", "--query", "--graph", path).startswith("digraph")
    assert "<graphml" in nix("nix-store", "--query", "--graphml", path)
    assert nix("nix-store", "--query", "--roots", path) == ""
    nix("nix-store", "--check-validity", path)
    absent = path.replace("-above", "-absent")
    assert nix("nix-store", "--check-validity", "--print-invalid", path, absent) == absent
    assert below in nix("nix", "why-depends", path, below)
    assert "above" in nix("nix", "store", "diff-closures", below, path)
    assert path in nix("nix", "path-info", "--all")
    assert path in nix("nix", "path-info", "--recursive", "--closure-size", path)
    assert path in nix("nix-store", "--dump-db", path)
    shown = json.loads(nix("nix", "show-derivation", drv))
    assert shown[drv]["outputs"]["out"]["path"] == path


def test_what_is_planned_is_told_and_not_done(nix: Nix) -> None:
    drv = nix("nix-instantiate", "-A", "above")
    done = nix.run("nix-store", "--realise", "--dry-run", drv)
    assert b"above.drv" in done.stderr
    assert not os.path.exists(nix("nix-store", "--query", "--outputs", drv))
    nix("nix", "build", "-f", "default.nix", "above", "-o", "result")
    assert os.readlink(nix.folder / "result") == nix("nix-store", "--query", "--outputs", drv)
    built = json.loads(nix("nix", "build", "--json", "-f", "default.nix", "above", "below", "--no-link"))
    assert all(os.path.exists(each["outputs"]["out"]) for each in built)
    nix("nix", "build", "--rebuild", "-f", "default.nix", "above", "--no-link")


def test_collections(nix: Nix) -> None:
    path = nix("nix-build", "-A", "above", "-o", "result")
    nix("nix-collect-garbage")
    assert os.path.exists(path)
    (nix.folder / "result").unlink()
    assert path in nix("nix-store", "--gc", "--print-dead").split()
    nix("nix", "store", "gc")
    assert not os.path.exists(path)
    path = nix("nix-build", "-A", "below", "--no-out-link")
    nix("nix", "store", "delete", path)
    assert not os.path.exists(path)
    nix("nix", "store", "optimise")
    nix("nix-collect-garbage", "-d")


def test_an_item_that_was_damaged_is_told(nix: Nix) -> None:
    (nix.folder / "file").write_text("right")
    path = nix("nix-store", "--add", "file")
    nix("nix-store", "--verify-path", path)
    os.chmod(path, 0o644)
    Path(path).write_text("wrong")
    done = nix.run("nix-store", "--verify", "--check-contents")
    assert done.returncode != 0
    assert path.encode() in done.stderr
    assert nix.run("nix-store", "--verify-path", path).returncode != 0
    refused = nix.run("nix-store", "--repair-path", path)
    assert refused.returncode != 0
    nix("nix", "store", "ping")


def test_paths_that_name_themselves(nix: Nix) -> None:
    """They come from everybody: nothing has to be believed."""
    path = nix("nix-build", "-A", "above", "--no-out-link")
    done = json.loads(nix("nix", "store", "make-content-addressed", "--json", path))
    again = done["rewrites"][path]
    assert os.path.exists(again)
    assert again != path
    nix("nix", "store", "verify", again)


def test_sessions_of_a_shell(nix: Nix) -> None:
    (nix.folder / "shell.nix").write_text(
        f'derivation {{ name = "s"; system = "x86_64-linux"; builder = "{SHELL}"; stdenv = ./.; }}'
    )
    done = nix.run("nix-shell", "--pure", "--run", "echo inside", "shell.nix")
    assert b"Traceback" not in done.stderr
    assert nix("nix", "eval", "--impure", "--expr", "1 + 1") == "2"


def test_copies_to_a_cache_hold_the_same_records(nix: Nix) -> None:
    path = nix("nix-build", "-A", "above", "--no-out-link")
    export = f"file://{nix.folder}/cache"
    nix("nix", "copy", "--to", export, path)
    info = json.loads(nix("nix", "path-info", "--json", "--store", export, path))[0]
    assert info["narHash"] == json.loads(nix("nix", "path-info", "--json", path))[0]["narHash"]
    source = nix("nix-store", "--add", "default.nix")
    nix("nix", "copy", "--to", export, source)
    nix("nix-store", "--delete", source)
    nix("nix", "copy", "--from", export, source)
    assert os.path.exists(source), "what names itself comes from everybody"


def test_a_machine_of_nix_has_derivations_built_by_the_daemon(daemon: Daemon, nix: Nix) -> None:
    """A store of its own under the same name, whose builds it sends away, each derivation by itself."""
    if nix.uid is not None:
        pytest.skip("who builds for others trusts who sends")
    other = Nix(daemon, None, name="other")
    other.environment["NIX_REMOTE"] = f"local?root={other.folder}/root"  # another place on the disk
    builder = f"unix://{daemon.socket} x86_64-linux - 2 1"
    done = other.run(
        *("nix-build", "-A", "below", "--no-out-link", "--option", "builders", builder),
        *("--option", "max-jobs", "0", "-v"),
    )
    assert done.returncode == 0, done.stderr.decode()
    path = done.stdout.decode().strip()
    assert Path(f"{other.folder}/root/nix/store/{os.path.basename(path)}").read_text() == "below\n"
    assert nix("nix-store", "--check-validity", path) == ""
    assert Path(path).read_text() == "below\n"
