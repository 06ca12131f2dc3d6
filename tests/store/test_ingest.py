"""Outputs of builds: taken in one pass, registered together."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StorePath
from larix.store import LocalStore
from larix.store.adding import NotAFlatFile
from larix.store.database import UnknownReference
from larix.store.errors import StoreError
from larix.store.tree import UnsupportedFileType
from larix.testing.store_conformance import TREE, write_tree


def path_named(store: LocalStore, name: str, digit: str = "0") -> StorePath:
    return StorePath(f"{store.store_dir}/{digit * 32}-{name}")


def leftovers(store: LocalStore) -> list[str]:
    return [name for name in os.listdir(store.store_dir) if "larix" in name]


def test_an_output_is_hashed_scanned_and_registered(store: LocalStore, tmp_path: Path) -> None:
    used, unused = store.add_text("used", b"1"), store.add_text("unused", b"2")
    path = path_named(store, "built")
    drv = store.add_text("a", b"3")
    write_tree(TREE, os.fsencode(tmp_path / "out"))
    (tmp_path / "out" / "script").write_text(f"#!{used}\n# {path}\n")
    output = store.ingest(str(tmp_path / "out"), path, candidates=[used, unused, path])
    assert output.references == {used, path}
    assert not store.is_valid(path)
    assert not os.path.exists(path)
    (info,) = store.register_outputs([output], deriver=drv)
    assert store.path_info(path) == info
    archive = b"".join(store.dump_nar(path))
    assert (info.nar_hash, info.nar_size) == (hash_bytes(archive), len(archive))
    assert info.references == tuple(sorted([used, path]))
    assert info.deriver == drv
    assert info.ultimate
    assert leftovers(store) == []


def test_a_reference_in_a_name_or_a_link_counts(store: LocalStore, tmp_path: Path) -> None:
    one, two = store.add_text("one", b"1"), store.add_text("two", b"2")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / os.path.basename(one)).write_text("")
    (tmp_path / "out" / "link").symlink_to(two)
    output = store.ingest(str(tmp_path / "out"), path_named(store, "x"), candidates=[one, two])
    assert output.references == {one, two}


def test_a_relative_source_starts_at_a_descriptor(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"x")
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        output = store.ingest(b"out", path_named(store, "x"), dir_fd=here)
    finally:
        os.close(here)
    assert output.nar_hash == hash_bytes(encode_tree(File(b"x")))


def test_a_fixed_output_has_the_hash_it_is_asked_for(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"contents")
    flat = store.ingest(str(tmp_path / "file"), path_named(store, "f"), content=("sha512", False))
    deep = store.ingest(str(tmp_path / "file"), path_named(store, "r"), content=("sha1", True))
    same = store.ingest(str(tmp_path / "file"), path_named(store, "s"), content=("sha256", True))
    assert flat.content_hash == hash_bytes(b"contents", "sha512")
    assert deep.content_hash == hash_bytes(encode_tree(File(b"contents")), "sha1")
    assert same.content_hash == same.nar_hash
    with pytest.raises(NotAFlatFile):
        store.ingest(str(tmp_path), path_named(store, "d"), content=("sha256", False))


def test_writing_to_the_original_afterwards_changes_nothing(store: LocalStore, tmp_path: Path) -> None:
    """Who kept the output open, or linked it elsewhere, holds another inode than the store."""
    (tmp_path / "out").write_bytes(b"good")
    os.link(tmp_path / "out", tmp_path / "elsewhere")
    path = path_named(store, "x")
    with open(tmp_path / "out", "r+b") as kept:
        store.register_outputs([store.ingest(str(tmp_path / "out"), path)])
        kept.write(b"evil")
    (tmp_path / "elsewhere").chmod(0o4777)
    assert Path(path).read_bytes() == b"good"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o444
    assert (tmp_path / "out").exists(), "the source is only read"


def test_what_has_no_content_is_refused_and_leaves_nothing(store: LocalStore, tmp_path: Path) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "out"))
    os.mkfifo(tmp_path / "out" / "d" / "pipe")
    with pytest.raises(UnsupportedFileType, match=r"out/d/pipe` is a named pipe"):
        store.ingest(str(tmp_path / "out"), path_named(store, "x"))
    assert leftovers(store) == []


def test_outputs_may_refer_to_each_other_in_one_direction(store: LocalStore, tmp_path: Path) -> None:
    out, doc = path_named(store, "out"), path_named(store, "doc", "1")
    (tmp_path / "out").write_text(f"{out} {doc}")
    (tmp_path / "doc").write_text("none")
    outputs = [
        store.ingest(str(tmp_path / "out"), out, candidates=[out, doc]),
        store.ingest(str(tmp_path / "doc"), doc, candidates=[out, doc]),
    ]
    store.register_outputs(outputs)
    assert store.references(out) == {out, doc}


def test_a_circle_of_outputs_is_refused(store: LocalStore, tmp_path: Path) -> None:
    out, doc = path_named(store, "out"), path_named(store, "doc", "1")
    (tmp_path / "out").write_text(doc)
    (tmp_path / "doc").write_text(out)
    outputs = [
        store.ingest(str(tmp_path / "out"), out, candidates=[out, doc]),
        store.ingest(str(tmp_path / "doc"), doc, candidates=[out, doc]),
    ]
    with pytest.raises(StoreError, match="in a circle"):
        store.register_outputs(outputs)
    for output in outputs:
        store.discard(output)
    assert store.all_valid_paths() == set()
    assert leftovers(store) == []


def test_an_output_of_something_invalid_is_not_registered(store: LocalStore, tmp_path: Path) -> None:
    missing, path = path_named(store, "missing", "1"), path_named(store, "x")
    (tmp_path / "out").write_text(missing)
    output = store.ingest(str(tmp_path / "out"), path, candidates=[missing])
    with pytest.raises(UnknownReference):
        store.register_outputs([output])
    assert store.all_valid_paths() == set()


def test_what_is_valid_already_stays(store: LocalStore, tmp_path: Path) -> None:
    path = path_named(store, "x")
    for contents in (b"first", b"second"):
        (tmp_path / "out").write_bytes(contents)
        store.register_outputs([store.ingest(str(tmp_path / "out"), path)])
    assert Path(path).read_bytes() == b"first"
    assert leftovers(store) == []


def test_everything_is_synced_before_it_is_registered(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(b"x")
    synced: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    output = store.ingest(str(tmp_path / "out"), path_named(store, "x"))
    assert {output.file, output.file + "/file"} <= set(synced)
    store.register_outputs([output])
    assert store.store_dir in synced


def test_many_files_are_synced_at_once(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    for number in range(100):
        (tmp_path / "out" / str(number)).write_bytes(b"x")
    synced: list[str] = []
    monkeypatch.setattr("larix.store.treewriter.sync_file_system", synced.append)
    store.register_outputs([store.ingest(str(tmp_path / "out"), path_named(store, "x"))])
    assert synced == [store.store_dir]
