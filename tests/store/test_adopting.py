from __future__ import annotations

import os
import stat

import pytest

from larix.formats.hashes import Hash
from larix.formats.storepath import StorePath, make_fixed_path
from larix.store.pipeline import hash_steps
from larix.store.tree import UnsupportedFileType, read_steps

ITEM = "0" * 31 + "1-needed"


def make_tree(folder, other):
    """A tree as a profile's: links, some files, folders within each other."""
    (folder / "bin").mkdir(parents=True)
    (folder / "etc" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    for number in range(300):
        (folder / "bin" / f"program{number}").symlink_to(f"{other}/bin/program{number}")
    (folder / "etc" / "profile").write_text("export PATH\n")
    (folder / "etc" / "deep" / "run").write_text("#!\n")
    (folder / "etc" / "deep" / "run").chmod(0o700)
    (folder / "big").write_bytes(bytes(700_000))
    (folder / "a-link").symlink_to("empty")
    return folder


@pytest.fixture
def path(store):
    return make_fixed_path(store.store_dir, "profile", Hash("sha256", bytes(32)), recursive=True)


def test_an_adopted_tree_is_what_a_copy_would_be(store, tmp_path, path):
    other = StorePath(f"{store.store_dir}/{ITEM}")
    source = make_tree(tmp_path / "made", other)
    copied = store.ingest(str(source), path, candidates=[other])
    inode = os.lstat(source / "bin" / "program7").st_ino
    adopted = store.adopt(str(source), path, candidates=[other])
    assert not os.path.lexists(source)
    assert adopted[1:5] == copied[1:5]
    assert adopted.references == {other}
    assert hash_steps(read_steps(adopted.file))[0] == adopted.nar_hash.digest
    assert os.lstat(f"{adopted.file}/bin/program7").st_ino == inode
    for folder, folders, files in os.walk(adopted.file):
        for name in ("", *folders, *files):
            mine = os.lstat(f"{folder}/{name}".rstrip("/"))
            theirs = os.lstat(f"{copied.file}{folder.removeprefix(adopted.file)}/{name}".rstrip("/"))
            assert (mine.st_mode, mine.st_mtime_ns, mine.st_uid, mine.st_gid) == (
                theirs.st_mode,
                theirs.st_mtime_ns,
                theirs.st_uid,
                theirs.st_gid,
            )
    store.discard(adopted)
    store.discard(copied)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_what_a_build_user_made_belongs_to_the_store(store, tmp_path, path):
    source = make_tree(tmp_path / "made", "/x")
    for folder, folders, files in os.walk(source):
        for name in ("", *folders, *files):
            os.lchown(f"{folder}/{name}".rstrip("/"), 1234, 1234)
    adopted = store.adopt(str(source), path, candidates=[])
    owners = {
        os.lstat(f"{folder}/{name}".rstrip("/")).st_uid
        for folder, folders, files in os.walk(adopted.file)
        for name in ("", *folders, *files)
    }
    assert owners == {0}
    store.discard(adopted)


def test_references_are_found_wherever_a_copy_has_them(store, tmp_path, path):
    digits = [str(number) * 31 + "x" for number in range(6)]
    items = [StorePath(f"{store.store_dir}/{each}-needed") for each in digits]
    folder = tmp_path / "made"
    (folder / f"{digits[0]}-name").mkdir(parents=True)
    (folder / "a").symlink_to(f"{items[1]}/bin/a")
    (folder / "b").symlink_to(f"../{digits[2]}-needed")
    (folder / f"{digits[3]}-link").symlink_to("x")
    (folder / "file").write_text(f"see {items[4]}/share")
    copied = store.ingest(str(folder), path, candidates=items)
    adopted = store.adopt(str(folder), path, candidates=items)
    assert adopted.references == copied.references == set(items[:5])
    store.discard(adopted)
    store.discard(copied)


def test_what_is_no_directory_is_left_to_be_copied(store, tmp_path, path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert store.adopt(str(tmp_path / name), path, candidates=[]) is None
        assert os.path.lexists(tmp_path / name)


def test_a_tree_on_another_file_system_is_left_to_be_copied(store, tmp_path, path, monkeypatch):
    source = make_tree(tmp_path / "made", "/x")

    def refuse(_source, _target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("larix.store.adopting.os.rename", refuse)
    assert store.adopt(str(source), path, candidates=[]) is None
    assert os.path.exists(source / "etc" / "profile")


@pytest.mark.parametrize("kind", ["pipe", "hard link"])
def test_what_no_tree_of_ours_has_is_refused_and_nothing_stays(store, tmp_path, path, kind):
    source = make_tree(tmp_path / "made", "/x")
    if kind == "pipe":
        os.mkfifo(source / "etc" / "pipe")
    else:
        os.link(source / "etc" / "profile", tmp_path / "outside")
        before = stat.S_IMODE(os.lstat(tmp_path / "outside").st_mode)
    with pytest.raises(UnsupportedFileType):
        store.adopt(str(source), path, candidates=[])
    assert [name for name in os.listdir(store.store_dir) if name.endswith("-larix-incoming")] == []
    if kind == "hard link":
        assert stat.S_IMODE(os.lstat(tmp_path / "outside").st_mode) == before


def test_nothing_is_adopted_through_a_link(store, tmp_path, path):
    """A link in the place of a folder is a link of the tree, and what it leads to stays as it is."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    source = make_tree(tmp_path / "made", "/x")
    (source / "folder").symlink_to(tmp_path / "precious")
    adopted = store.adopt(str(source), path, candidates=[])
    assert os.readlink(f"{adopted.file}/folder") == str(tmp_path / "precious")
    assert os.lstat(tmp_path / "precious").st_mode & 0o200
    store.discard(adopted)
