"""What a trusted key has signed comes in, whoever brings it: real Nix as an ordinary user and as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.clients import MARKS, Nix
from daemons import Daemon, running_daemon
from larix.formats.signature import parse_secret_key

pytestmark = MARKS

SECRET = "signer-1:zyYUevByvo2HJM14pAee0ocmdxUGoNRGapv8pyJ+r5nOdRHzeJf5RFXd8IysQiF9QseqDIzD6rudLs8piKuWzw=="
PUBLIC = str(parse_secret_key(SECRET).public)
STRANGER = 12345


@pytest.fixture(params=["in the settings", "in a file"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Daemon]:
    if os.geteuid() != 0:
        pytest.skip("only root can act as somebody else")
    keys = tmp_path / "keys"
    keys.write_text(f"# of the build farm\n\n{PUBLIC}\n")
    entry = PUBLIC if request.param == "in the settings" else str(keys)
    with running_daemon(settings=f'trusted-public-keys = ["{entry}"]\n') as started:
        yield started


@pytest.fixture
def root(daemon: Daemon) -> Nix:
    return Nix(daemon, None)


@pytest.fixture
def stranger(daemon: Daemon) -> Nix:
    return Nix(daemon, STRANGER)


class Cache:
    """A built path and what it needs, in a cache, and no more in the store."""

    def __init__(self, root: Nix, *, signed: bool) -> None:
        self.path = root("nix-build", "-A", "above", "--no-out-link")
        self.closure = root("nix-store", "--query", "--requisites", self.path).split()
        if signed:
            (root.folder / "secret").write_text(SECRET)
            root("nix", "store", "sign", "--recursive", "--key-file", "secret", self.path)
        self.address = f"file://{root.folder}/cache"
        root("nix", "copy", "--to", self.address, self.path)
        root("nix-store", "--gc")
        assert not any(os.path.exists(path) for path in self.closure)


def test_a_stranger_brings_what_is_signed(root: Nix, stranger: Nix) -> None:
    cache = Cache(root, signed=True)
    stranger("nix", "copy", "--from", cache.address, cache.path)
    assert Path(cache.path).read_text().strip() in cache.closure
    assert PUBLIC.partition(":")[0] in stranger("nix", "path-info", "--sigs", cache.path)
    stranger("nix", "store", "verify", "--recursive", "--trusted-public-keys", PUBLIC, cache.path)


@pytest.mark.parametrize("words", [(), ("--no-check-sigs",)], ids=["checked", "unchecked"])
def test_a_stranger_does_not_bring_what_nobody_signed(
    root: Nix, stranger: Nix, words: tuple[str, ...]
) -> None:
    cache = Cache(root, signed=False)
    refused = stranger.run("nix", "copy", *words, "--from", cache.address, cache.path)
    assert refused.returncode != 0
    assert b"nor signed by a key that is trusted here" in refused.stderr
    assert not any(os.path.exists(path) for path in cache.closure)


def test_a_trusted_user_may_do_without_signatures_and_says_so(root: Nix) -> None:
    cache = Cache(root, signed=False)
    refused = root.run("nix", "copy", "--from", cache.address, cache.path)
    assert refused.returncode != 0
    assert b"--no-check-sigs" in refused.stderr
    assert not any(os.path.exists(path) for path in cache.closure)
    root("nix", "copy", "--no-check-sigs", "--from", cache.address, cache.path)
    assert all(os.path.exists(path) for path in cache.closure)


def test_who_signs_with_a_key_that_nobody_trusts_is_told_its_name(root: Nix, stranger: Nix) -> None:
    cache = Cache(root, signed=False)
    (stranger.folder / "key").write_text(stranger("nix", "key", "generate-secret", "--key-name", "mallory"))
    cache_of_his = stranger.folder / "cache"
    for file in Path(root.folder / "cache").rglob("*"):
        target = cache_of_his / file.relative_to(root.folder / "cache")
        if file.is_dir():
            target.mkdir(parents=True)
        else:
            target.write_bytes(file.read_bytes())
    stranger.give(cache_of_his)
    address = f"file://{cache_of_his}"
    stranger("nix", "store", "sign", "--recursive", "--key-file", "key", "--store", address, cache.path)
    refused = stranger.run("nix", "copy", "--from", address, cache.path)
    assert refused.returncode != 0
    assert b"a key of mallory" in refused.stderr
    assert not any(os.path.exists(path) for path in cache.closure)
    stranger("nix", "store", "ping")
