"""`larix.client`: the store of a daemon is a store like any other."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemons import SOURCES, Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import NoDaemon, _to_program, connect
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, decode_tree, encode_tree
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import PathInfo
from larix.protocol.dialect import GUIX_VERSION
from larix.store.keys import authorise, make_pair
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
    def store(self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonStore]:
        keys = str(daemon.folder / "etc")
        authorise(keys, make_pair(keys).public)
        monkeypatch.setenv("LARIX_CONFIGURATION_DIRECTORY", keys)
        connection = Connection(connect(daemon.guix_socket), daemon.layout.store_dir, version=GUIX_VERSION)
        with DaemonStore(connection) as opened:
            yield opened


class TestStoreByStandardInputAndOutput(StoreConformance):
    """`larix daemon --stdio` where no daemon listens: the session is that of who runs it.

    For all the client knows the store is on another machine, where it can make no links.
    """

    test_a_permanent_root_is_a_link_to_its_path = None  # type: ignore[assignment]
    test_a_root_never_replaces_a_file = None  # type: ignore[assignment]

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonStore]:
        store_dir = StoreDir(f"{tmp_path}/store")
        monkeypatch.setenv("LARIX_STORE_DIR", store_dir)
        monkeypatch.setenv("LARIX_STATE_DIRECTORY", f"{tmp_path}/var")
        monkeypatch.setenv("PYTHONPATH", SOURCES)
        program = tmp_path / "ssh"
        program.write_text(
            f'#!/bin/sh\n[ "$*" = "-x -T -p 22 me@there larix daemon --stdio" ] || exit 9\n'
            f"exec {sys.executable} -m larix.cli.main daemon --stdio\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with DaemonStore(Connection(connect("ssh://me@there:22"), store_dir)) as opened:
            yield opened


def test_standard_input_and_output_lead_to_the_daemon(daemon: Daemon) -> None:
    with daemon.store() as store:
        path = store.add_text("a", b"b")
    words = [sys.executable, "-m", "larix.cli.main", "daemon", "--stdio"]
    with pytest.MonkeyPatch.context() as patch:
        for key, value in daemon.environment().items():
            patch.setenv(key, value)
        connection = Connection(_to_program(words, "words"), daemon.layout.store_dir)
    with DaemonStore(connection) as store:
        assert store.is_valid(path)
        assert store.daemon.startswith("larix ")
    assert daemon.log().count("session") == 2


@pytest.mark.parametrize("address", ["ssh://-oProxyCommand=x", "ssh://-x@host"])
def test_what_ssh_would_take_for_an_option_is_refused(address: str) -> None:
    with pytest.raises(NoDaemon):
        connect(address)
