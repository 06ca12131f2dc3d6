"""`larix.client`: the store of a daemon is a store like any other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, decode_tree, encode_tree
from larix.formats.storepath import StorePath
from larix.protocol import PathInfo
from larix.testing.store_conformance import TREE, StoreConformance, small_graph, write_tree

pytestmark = pytest.mark.slow


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


class TestDaemonStore(StoreConformance):
    """With what larix adds to the protocol."""

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with daemon.store() as opened:
            yield opened

    def test_what_was_built_is_told_with_its_derivation(self, store: DaemonStore) -> None:
        """Neither sources, nor what a derivation that is gone made."""
        above, below, _ = small_graph(store)
        store.instantiate([above])
        data = encode_tree(File(b"built"))
        built, orphan = below.output_path("doc"), StorePath(f"{store.store_dir}/{'1' * 32}-orphan")
        gone = StorePath(f"{store.store_dir}/{'2' * 32}-gone.drv")
        for path, deriver in ((built, below.path), (orphan, gone)):
            info = PathInfo(path, hash_bytes(data), len(data), deriver=deriver)
            store.add_nar(info, [data])
        assert [each[:2] for each in store.made_paths()] == [(built, below.path)]


class TestOlderDaemonStore(StoreConformance):
    """As Nix 2.8 speaks: a derivation at a time."""

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with daemon.store(0x122) as opened:
            yield opened


class TestOldDaemonStore(StoreConformance):
    """Before frames."""

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with daemon.store(0x115) as opened:
            yield opened


class TestGuixDaemonStore(StoreConformance):
    """As clients of Guix speak, whose records hold no content addresses and no signatures."""

    test_a_text_is_where_its_path_says_with_canonical_metadata = None  # type: ignore[assignment]
    test_a_tree_comes_back_as_it_was = None  # type: ignore[assignment]
    test_files_are_added_flat_with_every_algorithm = None  # type: ignore[assignment]
    test_trees_are_added_with_every_algorithm = None  # type: ignore[assignment]
    test_an_archive_is_taken_as_its_record_says = None  # type: ignore[assignment]
    test_signatures_come_together = None  # type: ignore[assignment]
    test_an_archive_with_another_hash_or_size_leaves_nothing = None  # type: ignore[assignment]
    test_instantiating_gives_the_same_records_as_adding = None  # type: ignore[assignment]

    def test_texts_trees_and_archives_are_there_afterwards(self, store: DaemonStore, tmp_path: Path) -> None:
        text = store.add_text("text", b"hello")
        write_tree(TREE, os.fsencode(tmp_path / "tree"))
        tree = store.add_path("tree", str(tmp_path / "tree"))
        flat = store.add_path("flat", text, recursive=False, algo="sha1")
        assert decode_tree(b"".join(store.dump_nar(tree))) == TREE
        assert store.read_text(flat) == b"hello"
        above, below, _ = small_graph(store)
        store.instantiate([above])
        assert store.references(above.path) >= {below.path}
        data = encode_tree(File(text.encode()))
        path = StorePath(f"{store.store_dir}/{'1' * 32}-built")
        store.add_nar(PathInfo(path, hash_bytes(data), len(data), (text,)), [data])
        assert store.path_info(path).references == (text,)

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with DaemonStore(Connection(connect(daemon.guix_socket), daemon.layout.store_dir)) as opened:
            yield opened
