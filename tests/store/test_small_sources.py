"""Small local files join the batch of `instantiate`; nothing else about them differs from streamed ones."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from larix.derivation import FileContent, Source
from larix.formats.hashes import Hash
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.store import Layout, LocalStore, open_local_store
from larix.store.local import SourceChanged

SIZES = [0, 1, 64 * 1024, 64 * 1024 + 1]  # the last is streamed


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    folders = [str(tmp_path / name) for name in ("store", "var", "log")]
    opened = open_local_store(Layout(StoreDir(folders[0]), folders[1], folders[2]))
    yield opened
    opened.close()


def source_of(store: LocalStore, file: Path) -> Source:
    tree = File(file.read_bytes(), executable=os.access(file, os.X_OK))
    digest = Hash("sha256", sha256(encode_tree(tree)).digest())
    return Source(make_fixed_path(store.store_dir, "it", digest, recursive=True), (), FileContent(str(file)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", [0o600, 0o755])
def test_file_becomes_the_item_it_was_hashed_as(
    store: LocalStore, tmp_path: Path, size: int, mode: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(size))
    file.chmod(mode)
    source = source_of(store, file)
    store.instantiate([], [source])
    assert b"".join(store.dump_nar(source.path)) == encode_tree(File(bytes(size), executable=mode == 0o755))
    info = store.path_info(source.path)
    status = os.stat(source.path)
    assert info.content_address == f"fixed:r:{info.nar_hash}"
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o444 if mode == 0o600 else 0o555, 1)


@pytest.mark.parametrize("size", SIZES)
def test_file_that_changed_since_it_was_hashed_is_refused(
    store: LocalStore, tmp_path: Path, size: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    source = source_of(store, file)
    file.write_bytes(b"y" * size + b"z")
    with pytest.raises(SourceChanged, match="changed since it was first read"):
        store.instantiate([], [source])
    assert store.all_valid_paths() == set()
    assert not os.path.lexists(source.path)
