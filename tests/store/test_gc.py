"""Collection: what no root reaches goes, what one reaches never does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from larix.formats.hashes import hash_bytes
from larix.formats.storepath import StorePath
from larix.protocol import PathInfo
from larix.store import Layout, LocalStore, open_local_store
from larix.store.errors import StoreError
from larix.store.gc import PathAlive, all_roots, collect, dead_paths, delete, doomed_with, live_paths
from larix.store.locks import PathLocks
from larix.store.roots import find_roots, indirect_root_file
from larix.store.waiting import Holder
from larix.testing.store_conformance import TREE, small_graph, write_tree

SOURCES = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def filled(layout: Layout) -> Iterator[LocalStore]:
    """A chain a <- b <- c and a lone d, made by a process whose temporary roots are gone."""
    with open_local_store(layout) as store:
        a = store.add_text("a", b"a")
        b = store.add_text("b", a.encode(), [a])
        store.add_text("c", b.encode(), [b])
        store.add_text("d", b"d")
    with open_local_store(layout) as store:
        yield store


def named(store: LocalStore, *names: str) -> set[StorePath]:
    return {path for path in store.all_valid_paths() if path.rpartition("-")[2] in names}


def one(store: LocalStore, name: str) -> StorePath:
    (path,) = named(store, name)
    return path


def test_without_roots_everything_goes(filled: LocalStore) -> None:
    assert live_paths(filled) == set()
    paths = filled.all_valid_paths()
    assert dead_paths(filled) == paths
    collected = collect(filled)
    assert set(collected.paths) == paths
    assert collected.bytes_freed > 0
    assert filled.all_valid_paths() == set()
    assert os.listdir(filled.store_dir) == [".links"]


def test_a_root_keeps_its_closure(filled: LocalStore) -> None:
    os.symlink(one(filled, "b"), filled.layout.gc_roots_dir + "/root")
    assert live_paths(filled) == named(filled, "a", "b")
    collect(filled)
    assert named(filled, "a", "b", "c", "d") == named(filled, "a", "b")
    assert all(os.path.exists(path) for path in named(filled, "a", "b"))


def test_a_profile_keeps_what_it_shows(filled: LocalStore) -> None:
    profiles = filled.layout.profiles_dir
    os.symlink(one(filled, "c"), profiles + "/per-user/me-1-link")
    os.symlink("me-1-link", profiles + "/per-user/me")
    collect(filled)
    assert filled.all_valid_paths() == named(filled, "a", "b", "c")


def test_an_indirect_root_lives_as_long_as_its_link(filled: LocalStore, tmp_path: Path) -> None:
    path, link = one(filled, "d"), str(tmp_path / "result")
    filled.add_permanent_root(path, link)
    with open_local_store(filled.layout) as other:
        assert (path, link) in find_roots(other.layout)
    note = indirect_root_file(filled.layout, link)
    os.unlink(link)
    find_roots(filled.layout)
    assert os.path.islink(note), "looking changes nothing"
    find_roots(filled.layout, prune=True)
    assert not os.path.islink(note)


def test_a_root_in_a_place_that_nobody_has_seen_is_not_stale(filled: LocalStore, tmp_path: Path) -> None:
    link = str(tmp_path / "home/result")
    filled.add_indirect_root(link)
    find_roots(filled.layout, prune=True)
    assert os.path.islink(indirect_root_file(filled.layout, link))


def test_a_temporary_root_keeps_valid_and_coming_paths(filled: LocalStore) -> None:
    coming = StorePath(f"{filled.store_dir}/{'0' * 32}-coming")
    Path(coming).write_text("being written")
    filled.add_temp_root(one(filled, "b"), coming)
    collect(filled)
    assert filled.all_valid_paths() == named(filled, "a", "b")
    assert Path(coming).read_text() == "being written"


def test_what_a_process_uses_is_kept(filled: LocalStore) -> None:
    by_variable, by_file = one(filled, "d"), one(filled, "a")
    with open(by_file, "rb") as opened:
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"],
            stdin=subprocess.PIPE,
            env={"VARIABLE": f"x:{by_variable}/bin"},
            pass_fds=[opened.fileno()],
        )
    try:
        collect(filled)
        assert filled.all_valid_paths() == {by_variable, by_file}
    finally:
        process.communicate(b"")


def test_what_a_live_output_was_built_from_is_kept_unless_told(store: LocalStore, tmp_path: Path) -> None:
    above, below, source = small_graph(store)
    layout = store.layout
    store.instantiate([above])
    write_tree(TREE, os.fsencode(tmp_path / "built"))
    output = store.ingest(str(tmp_path / "built"), above.output_path())
    store.register_outputs([output], deriver=above.path)
    os.symlink(above.output_path(), layout.gc_roots_dir + "/root")
    store.close()
    with open_local_store(layout) as again:
        assert {above.path, below.path, source.path} <= live_paths(again)
        assert live_paths(again, keep_derivations=False) == {above.output_path()}
        with pytest.raises(PathAlive) as caught:
            delete(again, [below.path])
        assert caught.value.keeper == (above.output_path(), layout.gc_roots_dir + "/root")
        assert [path for path, _ in doomed_with(again, [above.path], keep_derivations=False)] == [above.path]
        os.unlink(layout.gc_roots_dir + "/root")
        os.symlink(above.path, layout.gc_roots_dir + "/root")
        with pytest.raises(PathAlive):
            delete(again, [above.output_path()], keep_outputs=True)
        assert above.output_path() not in live_paths(again)
        assert above.output_path() in live_paths(again, keep_outputs=True)


def test_some_bytes_are_enough(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(bytes(100_000))
    with open_local_store(layout) as store:
        for number in range(5):
            store.add_path(f"t{number}", str(tmp_path / "tree"))
    with open_local_store(layout) as store:
        collected = collect(store, max_freed=150_000)
        assert len(collected.paths) == 2
        assert collected.bytes_freed >= 150_000
        assert len(store.all_valid_paths()) == 3


def filled_with_shared(layout: Layout, folder: Path, count: int) -> int:
    """Items of 100 kB, each equal file of which has a name in `.links`; the bytes of disk of one."""
    tree = folder / "tree"
    tree.mkdir()
    with open_local_store(layout) as store:
        store.deduplicate(on=True)
        for number in range(count):
            (tree / "file").write_bytes(bytes([number]) * 100_000)
            path = store.add_path(f"t{number}", str(tree))
        status = os.stat(f"{path}/file")
        assert status.st_nlink == 2
        return status.st_blocks * 512


def on_disk(folder: str) -> int:
    files = [Path(top, name).lstat() for top, _, names in os.walk(folder) for name in names]
    return sum({status.st_ino: status.st_blocks * 512 for status in files}.values())


def test_some_bytes_are_enough_where_files_are_shared(layout: Layout, tmp_path: Path) -> None:
    """What only `.links` still names is freed, too, and is not counted again when that name goes."""
    size = filled_with_shared(layout, tmp_path, 5)
    with open_local_store(layout) as store:
        before = on_disk(layout.store_dir)
        collected = collect(store, max_freed=size + 1)
        assert len(collected.paths) == 2
        assert before - on_disk(layout.store_dir) == 2 * size
        assert collected.bytes_freed - 2 * size in range(32768), "besides the file its folder"
        rest = collect(store)
        assert rest.bytes_freed - 3 * size in range(32768)
        assert on_disk(layout.store_dir) == 0


def test_what_another_item_shares_is_not_freed(layout: Layout, tmp_path: Path) -> None:
    size = filled_with_shared(layout, tmp_path, 1)
    with open_local_store(layout) as store:
        store.deduplicate(on=True)
        store.add_path("again", str(tmp_path / "tree"))
    with open_local_store(layout) as store:
        first, second = sorted(store.all_valid_paths())
        assert delete(store, [first]).bytes_freed < size
        assert delete(store, [second]).bytes_freed >= size
        assert on_disk(layout.store_dir) == 0


def test_deleting_takes_users_along(filled: LocalStore) -> None:
    doomed = named(filled, "b", "c")
    collected = delete(filled, [one(filled, "b")])
    assert set(collected.paths) == doomed
    assert filled.all_valid_paths() == named(filled, "a", "d")


def test_deleting_what_is_alive_is_refused_with_the_reason(filled: LocalStore) -> None:
    root = filled.layout.gc_roots_dir + "/keep"
    os.symlink(one(filled, "c"), root)
    with pytest.raises(PathAlive, match="since it is still alive") as caught:
        delete(filled, [one(filled, "d"), one(filled, "a")])
    assert caught.value.path == one(filled, "a")
    assert caught.value.keeper == (one(filled, "c"), root)
    with pytest.raises(PathAlive):
        doomed_with(filled, [one(filled, "a")])
    assert root not in (caught.value.without_name().hint or "")
    assert len(filled.all_valid_paths()) == 4


def test_leftovers_go_and_held_locks_stay(filled: LocalStore) -> None:
    base = filled.store_dir
    leftover = Path(f"{base}/{'1' * 32}-larix-incoming")
    (leftover / "deep").mkdir(parents=True)
    (leftover / "deep" / "file").write_text("x")
    (leftover / "deep").chmod(0o555)
    Path(f"{base}/{'2' * 32}-stale.lock").write_bytes(b"")
    Path(f"{base}/lost+found").mkdir()
    with PathLocks() as locks:
        locks.acquire([StorePath(f"{base}/{'3' * 32}-held")])
        collect(filled)
        assert sorted(os.listdir(base)) == [".links", f"{'3' * 32}-held.lock", "lost+found"]


def test_unused_files_of_the_deduplication_go(filled: LocalStore) -> None:
    os.symlink(one(filled, "a"), filled.layout.gc_roots_dir + "/root")
    links = filled.store_dir + "/.links"
    os.link(one(filled, "a"), links + "/used")
    Path(links, "unused").write_bytes(b"x")
    collect(filled)
    assert os.listdir(links) == ["used"]


def test_a_root_that_comes_during_a_collection_is_kept(
    filled: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process adds a root while this one deletes, and is answered only when it is safe or gone."""
    monkeypatch.setattr("larix.store.gc._BATCH", 1)
    program = (
        "import sys; from larix.store import *\n"
        "store = open_local_store(Layout(*sys.argv[1:4]))\n"
        "store.add_temp_root(sys.argv[4]); print(store.is_valid(sys.argv[4]), flush=True); sys.stdin.read()\n"
    )
    kept = one(filled, "a")
    order: list[StorePath] = []
    processes: list[subprocess.Popen[str]] = []

    def on_delete(path: StorePath) -> None:
        order.append(path)
        if len(order) == 1:
            process = subprocess.Popen(
                [sys.executable, "-c", program, *filled.layout[:3], kept],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": SOURCES},
            )
            processes.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"

    try:
        collect(filled, max_freed=1 << 40, on_delete=on_delete)
        assert kept not in order
        assert filled.all_valid_paths() == {kept}
        assert os.path.exists(kept)
    finally:
        for process in processes:
            process.communicate("")


def test_the_socket_answers_as_nixs_does(filled: LocalStore) -> None:
    kept = one(filled, "d")
    answers: list[bytes] = []

    def on_delete(_: StorePath) -> None:
        if not answers:
            with socket.socket(socket.AF_UNIX) as client:
                here = os.open(os.path.dirname(filled.layout.gc_socket_file), os.O_RDONLY)
                try:
                    client.connect(f"/proc/self/fd/{here}/socket")
                finally:
                    os.close(here)
                client.sendall(f"{kept}\nnonsense\n".encode())
                answers.append(client.recv(1) + client.recv(1))

    order = collect(filled, max_freed=1 << 40, on_delete=on_delete).paths
    assert answers == [b"11"]
    assert order[0] == kept or kept not in order
    assert not os.path.exists(filled.layout.gc_socket_file)


def test_a_second_collection_waits(filled: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("larix.store.waiting.FIRST_SECONDS", 0)
    waited = threading.Event()
    holders: list[Holder] = []

    def on_wait(holder: Holder) -> None:
        holders.append(holder)
        waited.set()

    results: list[int] = []

    def second() -> None:
        with open_local_store(filled.layout) as store:
            results.append(len(collect(store, on_wait=on_wait).paths))

    thread = threading.Thread(target=second)

    def on_delete(_: StorePath) -> None:
        if not thread.is_alive() and not results:
            thread.start()
            waited.wait()

    first = collect(filled, on_delete=on_delete)
    thread.join()
    assert len(first.paths) + results[0] == 4
    assert holders[0].pid == os.getpid()
    assert holders[0].since is not None


def test_a_path_whose_content_is_gone_can_be_collected(filled: LocalStore) -> None:
    os.unlink(one(filled, "d"))
    collect(filled)
    assert filled.all_valid_paths() == set()


def test_an_interrupted_collection_never_leaves_a_valid_path_without_content(
    filled: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    unlink = os.unlink

    def failing(name: str, **options: int) -> None:
        nonlocal count
        if str(name).startswith(filled.store_dir + "/"):
            count += 1
            if count > 2:
                raise OSError(5, "Input/output error", name)
        unlink(name, **options)

    monkeypatch.setattr(os, "unlink", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        collect(filled)
    monkeypatch.undo()
    assert all(os.path.lexists(path) for path in filled.all_valid_paths())
    collect(filled)
    assert os.listdir(filled.store_dir) == [".links"]


@pytest.mark.slow
@settings(max_examples=20)
@given(data=st.data())
def test_collection_never_takes_what_a_root_reaches(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    base = tmp_path_factory.mktemp("gc")
    layout = Layout(type(Layout().store_dir)(f"{base}/store"), f"{base}/var", f"{base}/log")
    count = data.draw(st.integers(1, 12))
    edges = {user: data.draw(st.sets(st.integers(0, user), max_size=3)) for user in range(count)}
    rooted = data.draw(st.sets(st.integers(0, count - 1)))
    with open_local_store(layout) as store:
        paths = [StorePath(f"{store.store_dir}/{number:032d}-p") for number in range(count)]
        for number, path in enumerate(paths):
            Path(path).write_text("x")
            store.register_infos(
                [PathInfo(path, hash_bytes(b""), 1, tuple(paths[used] for used in sorted(edges[number])))]
            )
        for number in rooted:
            os.symlink(paths[number], f"{layout.gc_roots_dir}/r{number}")
        reached: set[int] = set()
        todo = list(rooted)
        while todo:
            number = todo.pop()
            if number not in reached:
                reached.add(number)
                todo += edges[number]
        collect(store)
        assert store.all_valid_paths() == {paths[number] for number in reached}
        assert {name for name in os.listdir(store.store_dir) if name != ".links"} == {
            os.path.basename(paths[number]) for number in reached
        }


def test_listing_roots_changes_nothing(filled: LocalStore) -> None:
    Path(f"{filled.layout.temp_roots_dir}/999999999").write_bytes(b"")
    os.symlink("/nowhere", filled.layout.gc_roots_dir + "/auto/x")
    all_roots(filled)
    assert os.path.islink(filled.layout.gc_roots_dir + "/auto/x")
    assert os.path.exists(f"{filled.layout.temp_roots_dir}/999999999")


def test_the_reserve_is_given_back_for_a_collection_and_set_aside_again(filled: LocalStore) -> None:
    reserve = filled.layout.reserve_file
    inodes = f"{reserve}-inodes"

    def is_set_aside() -> bool:
        return os.path.exists(reserve) and len(os.listdir(inodes)) == 16

    assert is_set_aside()
    meanwhile: list[bool] = []
    collect(filled, on_delete=lambda _: meanwhile.append(os.path.exists(reserve) or bool(os.listdir(inodes))))
    assert meanwhile == [False] * 4
    assert is_set_aside()
    assert os.stat(reserve).st_blocks * 512 >= 8 << 20
