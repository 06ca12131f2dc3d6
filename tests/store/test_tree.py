"""Trees as steps: read from disk, from archives, from memory; written, and removed again."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from larix.formats.hashes import hash_bytes
from larix.formats.nar import Decoder, Directory, File, Symlink, Tree, encode_tree
from larix.store.atomic import remove_tree
from larix.store.errors import StoreError
from larix.store.pipeline import Lane, hash_steps, run
from larix.store.tree import (
    CHUNK,
    ENTER,
    LEAVE,
    ChangedWhileRead,
    Framing,
    Step,
    StepsOfEvents,
    UnsupportedFileType,
    read_steps,
    steps_of_tree,
)
from larix.store.treewriter import TreeWriter
from larix.testing.store_conformance import TREE, write_tree

names = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {0, 47} & set(name) and name not in {b".", b".."}
)
leaves = st.one_of(
    st.builds(File, st.binary(max_size=300), st.booleans()),
    st.builds(Symlink, st.binary(min_size=1, max_size=30).filter(lambda target: 0 not in target)),
)
trees: st.SearchStrategy[Tree] = st.recursive(
    leaves, lambda inner: st.builds(Directory, st.dictionaries(names, inner, max_size=5)), max_leaves=12
)


def archive_of(steps: Iterator[Step]) -> bytes:
    framing, pieces = Framing(), list[bytes]()
    for step in steps:
        framing.append(pieces, step)
    return b"".join(pieces)


@given(trees)
def test_steps_of_memory_make_the_archive(tree: Tree) -> None:
    assert archive_of(steps_of_tree(tree)) == encode_tree(tree)


@given(trees, st.integers(1, 200))
def test_steps_of_an_archive_make_the_archive_again(tree: Tree, size: int) -> None:
    archive = encode_tree(tree)
    decoder, events = Decoder(), StepsOfEvents()

    def steps() -> Iterator[Step]:
        for start in range(0, len(archive), size):
            yield from events.steps(decoder.feed(archive[start : start + size]))

    assert archive_of(steps()) == archive


@pytest.mark.slow
@settings(max_examples=30)
@given(tree=trees)
def test_a_tree_on_disk_is_read_written_and_removed(
    tmp_path_factory: pytest.TempPathFactory, tree: Tree
) -> None:
    base = tmp_path_factory.mktemp("tree")
    write_tree(tree, os.fsencode(base / "made"))
    archive = encode_tree(tree)
    assert archive_of(read_steps(str(base / "made"))) == archive
    writer = TreeWriter(str(base / "written"))
    writer.take(steps_of_tree(tree))
    writer.sync()
    assert archive_of(read_steps(str(base / "written"))) == archive
    remove_tree(base / "written".__str__())
    assert not os.path.lexists(base / "written")
    remove_tree(str(base))


def test_large_files_come_in_chunks(tmp_path: Path) -> None:
    contents = bytes(range(256)) * 8192
    (tmp_path / "large").write_bytes(contents)
    steps = list(read_steps(str(tmp_path)))
    assert sum(step[0] == CHUNK for step in steps) >= 2
    assert archive_of(iter(steps)) == encode_tree(Directory({b"large": File(contents)}))


def test_the_root_may_be_relative_to_a_directory(tmp_path: Path) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert archive_of(read_steps(b"tree", dir_fd=descriptor)) == encode_tree(TREE)
    finally:
        os.close(descriptor)


def test_links_are_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "root").symlink_to(tmp_path / "tree")
    tree = Directory({b"link": Symlink(os.fsencode(tmp_path / "secret"))})
    assert archive_of(read_steps(str(tmp_path / "tree"))) == encode_tree(tree)
    assert archive_of(read_steps(str(tmp_path / "root"))) == encode_tree(
        Symlink(os.fsencode(tmp_path / "tree"))
    )


def test_sockets_pipes_and_devices_are_refused_by_name(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        (tmp_path / "s").mkdir()
        here = os.open(tmp_path / "s", os.O_RDONLY)
        try:
            listener.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
        with pytest.raises(UnsupportedFileType, match=r"s/socket` is a socket"):
            list(read_steps(str(tmp_path / "s")))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedFileType, match="a named pipe"):
        list(read_steps(str(tmp_path / "pipe")))
    with pytest.raises(UnsupportedFileType, match="a character device"):
        list(read_steps("/dev/null"))


def test_a_file_that_grows_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(3 << 20))
    steps = read_steps(str(tmp_path))
    next(steps)
    next(steps)
    with open(tmp_path / "large", "ab") as stream:
        stream.write(b"more")
    with pytest.raises(ChangedWhileRead):
        list(steps)


def test_a_directory_that_is_moved_away_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "tree" / "a").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    steps = read_steps(str(tmp_path / "tree"))
    assert [next(steps)[0], next(steps)[0]] == [ENTER, ENTER]
    (tmp_path / "tree" / "a").rename(tmp_path / "other" / "a")
    with pytest.raises(ChangedWhileRead):
        list(steps)


def test_hostile_metadata_does_not_come_along(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    program = source / "program"
    program.write_bytes(b"x")
    program.chmod(0o6755)
    os.link(program, source / "second")
    source.chmod(0o2777)
    try:
        os.setxattr(program, "user.note", b"value")
    except OSError:
        pytest.skip("no extended attributes here")
    if shutil.which("setfacl") is not None:
        subprocess.run(["setfacl", "-m", "u:12345:rwx", str(program)], check=True)
    writer = TreeWriter(str(tmp_path / "copy"))
    writer.take(read_steps(str(source)))
    writer.sync()
    for file, mode in (("copy", 0o555), ("copy/program", 0o555), ("copy/second", 0o555)):
        status = os.lstat(tmp_path / file)
        assert stat.S_IMODE(status.st_mode) == mode
        assert status.st_mtime == 1
        assert stat.S_ISDIR(status.st_mode) or status.st_nlink == 1
        assert os.listxattr(tmp_path / file) == []
    assert os.stat(tmp_path / "copy/program").st_ino != program.stat().st_ino


def test_a_tree_is_never_written_over_something(tmp_path: Path) -> None:
    for tree in (File(b"x"), Symlink(b"x"), Directory({})):
        (tmp_path / "taken").write_text("precious")
        writer = TreeWriter(str(tmp_path / "taken"))
        with pytest.raises(StoreError, match="File exists"):
            writer.take(steps_of_tree(tree))
        writer.close()
        assert (tmp_path / "taken").read_text() == "precious"


def deep(depth: int) -> Iterator[Step]:
    yield (ENTER, b"")
    for _ in range(depth):
        yield (ENTER, b"d")
    yield from [(LEAVE,)] * (depth + 1)


@pytest.mark.slow
def test_depth_costs_neither_stack_nor_descriptors(tmp_path: Path) -> None:
    """Ten thousand levels: longer than any path name, more than any descriptor limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(64, soft), hard))
    try:
        writer = TreeWriter(str(tmp_path / "deep"))
        writer.take(deep(10_000))
        writer.sync()
        assert sum(1 for _ in read_steps(str(tmp_path / "deep"))) == 20_002
        assert remove_tree(str(tmp_path / "deep")) > 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_removing_leaves_what_links_point_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("kept")
    (tmp_path / "gone" / "below").mkdir(parents=True)
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "gone" / "below" / "link").symlink_to(tmp_path / "kept" / "file")
    (tmp_path / "gone" / "below").chmod(0o000)
    remove_tree(str(tmp_path / "gone"))
    assert sorted(os.listdir(tmp_path)) == ["kept"]
    assert (tmp_path / "kept" / "file").read_text() == "kept"
    remove_tree(str(tmp_path / "gone"))


def test_the_pipeline_gives_everybody_everything(tmp_path: Path) -> None:
    for number in range(700):
        (tmp_path / f"f{number}").write_bytes(os.urandom(2000))
    (tmp_path / "large").write_bytes(os.urandom(3 << 20))
    scanned: list[bytes] = []
    archived: list[bytes] = []
    written: list[Step] = []
    size = run(
        read_steps(str(tmp_path)), archive=[archived.append], scan=scanned.append, write=written.extend
    )
    archive = archive_of(iter(written))
    assert b"".join(archived) == b"".join(scanned) == archive
    assert size == len(archive)
    assert hash_steps(read_steps(str(tmp_path))) == (hash_bytes(archive).digest, size)


def test_a_lane_hands_its_error_over_and_stops(tmp_path: Path) -> None:
    done: list[int] = []

    def act(number: int) -> None:
        if number == 3:
            raise StoreError("three")
        done.append(number)

    lane = Lane(act)

    def feed() -> None:
        for number in range(1000):
            lane.put(number)
        lane.finish()

    with pytest.raises(StoreError, match="three"):
        feed()
    lane.stop()
    assert done == [0, 1, 2]


def test_a_lane_with_one_item_has_no_thread() -> None:
    done: list[int] = []
    lane = Lane(done.append)
    lane.put(1)
    assert done == []
    lane.finish()
    assert done == [1]
