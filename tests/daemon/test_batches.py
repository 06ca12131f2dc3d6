"""What larix says to larix: a whole graph in one request."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemons import Daemon
from larix.errors import LarixError
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, Symlink, Tree, encode_tree
from larix.formats.storepath import StorePath, make_fixed_path, make_text_path
from larix.protocol.values import DerivationText

pytestmark = pytest.mark.slow

TREES: dict[str, Tree] = {
    "file": File(b"plain"),
    "program": File(b"#!/bin/sh\n", executable=True),
    "tree": Directory({b"a": File(b"1"), b"b": Directory({b"c": Symlink(b"../a")})}),
    "link": Symlink(b"nowhere"),
}


def test_trees_and_texts_become_valid_together(daemon: Daemon) -> None:
    with daemon.store() as store:
        texts = [DerivationText(name, encode_tree(tree), (), is_archive=True) for name, tree in TREES.items()]
        added = store._call("add_texts", texts=tuple(texts))
        for (name, tree), path in zip(TREES.items(), added, strict=True):
            data = encode_tree(tree)
            assert path == make_fixed_path(store.store_dir, name, hash_bytes(data), recursive=True)
            assert b"".join(store.dump_nar(path)) == data
            assert store.path_info(path).content_address == f"fixed:r:{hash_bytes(data)}"
            assert os.lstat(path).st_mtime == 1
        user = DerivationText("user", b"text", (added[2],))
        (path,) = store._call("add_texts", texts=(user,))
        assert store.references(path) == {added[2]}


@pytest.mark.parametrize("cut", [8, -8, None])
def test_one_damaged_archive_leaves_nothing_of_its_batch(daemon: Daemon, cut: int | None) -> None:
    with daemon.store() as store:
        archive = encode_tree(TREES["tree"])
        archive = archive + bytes(8) if cut is None else archive[:cut]
        batch = (DerivationText("good", b"text", ()), DerivationText("bad", archive, (), is_archive=True))
        with pytest.raises(LarixError):
            store._call("add_texts", texts=batch)
        assert store.all_valid_paths() == set()
        assert not [name for name in os.listdir(daemon.layout.store_dir) if not name.startswith(".")]


def test_no_derivation_comes_as_an_archive_unread(daemon: Daemon) -> None:
    with daemon.store() as store:
        archive = encode_tree(Directory({}))
        batch = (DerivationText("x.drv", archive, (), is_archive=True),)
        with pytest.raises(LarixError):
            store._call("add_texts", texts=batch)
        assert store.all_valid_paths() == set()


@pytest.mark.parametrize("name", ["../escape", "a/b", "", ".", "x" * 250])
def test_names_are_checked(daemon: Daemon, name: str) -> None:
    with daemon.store() as store:
        for batch in (
            DerivationText(name, encode_tree(TREES["tree"]), (), is_archive=True),
            DerivationText(name, b"text", ()),
        ):
            with pytest.raises(LarixError):
                store._call("add_texts", texts=(batch,))
        assert store.all_valid_paths() == set()


def test_more_than_is_held_in_memory_ends_the_session_alone(daemon: Daemon) -> None:
    half = DerivationText("half", bytes(1 << 26), ())
    with daemon.store() as store, pytest.raises(LarixError):
        store._call("add_texts", texts=(half, half, half))
    with daemon.store() as store:
        assert store.all_valid_paths() == set()
    assert "Traceback" not in daemon.log()


def test_what_is_kept_is_told_apart_and_stays(daemon: Daemon) -> None:
    with daemon.store() as store, daemon.store() as other:
        path = other.add_text("there", b"there")
        missing = make_text_path(store.store_dir, "missing", hash_bytes(b"x").digest, ())
        assert store._call("keep_paths", paths=(path, missing)) == (path,)
        other.close()
        assert store.collect(2)[0] == ()
        assert store.is_valid(StorePath(path))
    with daemon.store() as last:
        assert last.collect(2)[0] == (path,)
        assert not Path(path).exists()
