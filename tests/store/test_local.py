"""The local store passes the conformance suite; what only it promises stands here."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from larix.derivation import text_source
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.selfhash import SelfReferenceHasher
from larix.formats.storepath import StoreDir, StorePath, hash_part, make_fixed_path, make_text_path
from larix.protocol import PathInfo, Store
from larix.store import Layout, LocalStore, open_local_store
from larix.store.adding import ArchiveMismatch, NotAFlatFile
from larix.store.database import UnknownReference
from larix.store.errors import StoreError, StoreUnusable
from larix.store.tree import UnsupportedFileType
from larix.store.treewriter import TreeWriter
from larix.testing.store_conformance import TREE, StoreConformance, small_graph, write_tree


class TestLocalStore(StoreConformance):
    pass


def test_the_local_store_satisfies_the_protocol(store: LocalStore) -> None:
    as_protocol: Store = store
    assert as_protocol.store_dir == store.layout.store_dir


def test_what_was_built_is_told_with_its_derivation(store: LocalStore) -> None:
    """Neither sources, nor what a derivation that is gone made."""
    above, below, _ = small_graph(store)
    store.instantiate([above])
    data = encode_tree(File(b"built"))
    built, orphan = below.output_path("doc"), StorePath(f"{store.store_dir}/{'1' * 32}-orphan")
    gone = StorePath(f"{store.store_dir}/{'2' * 32}-gone.drv")
    for path, deriver in ((built, below.path), (orphan, gone)):
        store.add_nar(PathInfo(path, hash_bytes(data), len(data), deriver=deriver), [data])
    assert [each[:2] for each in store.made_paths()] == [(built, below.path)]


def test_opening_makes_what_is_missing(layout: Layout) -> None:
    open_local_store(layout).close()
    mode = stat.S_IMODE(os.stat(layout.store_dir).st_mode)
    assert mode == (0o1775 if os.geteuid() == 0 else 0o755)
    assert Path(layout.schema_file).read_text() == "10"
    assert os.readlink(layout.gc_roots_dir + "/profiles") == layout.profiles_dir
    open_local_store(layout).close()


def test_a_store_opened_again_holds_what_was_added(layout: Layout) -> None:
    with open_local_store(layout) as store:
        path = store.add_text("a", b"b")
    with open_local_store(layout) as store:
        assert store.is_valid(path)


def test_an_unknown_schema_is_refused(layout: Layout) -> None:
    open_local_store(layout).close()
    Path(layout.schema_file).write_text("11")
    with pytest.raises(StoreUnusable, match="format `11`"):
        open_local_store(layout)


def test_a_store_of_somebody_else_is_refused_with_its_name(public_dir: Path) -> None:
    layout = Layout(StoreDir(f"{public_dir}/store"), f"{public_dir}/var", f"{public_dir}/log")
    open_local_store(layout).close()
    program = (
        "import sys; from larix.store import *; from larix.errors import LarixError\n"
        "try: open_local_store(Layout(*sys.argv[1:]))\n"
        "except LarixError as error: print(type(error).__name__, error, '|', error.hint)\n"
    )
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    python = _readable_python()
    done = subprocess.run(
        [python, "-B", "-c", program, *layout[:3]],
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        cwd="/",
    )
    assert done.stdout.startswith("StoreUnusable cannot write in")
    assert layout.store_dir in done.stdout
    assert "LARIX_STORE_DIR" in done.stdout


def _readable_python() -> str:
    """An interpreter that an ordinary user may run; the one that runs the tests may stand in root's home."""
    for candidate in ("/usr/bin/python3", sys.executable):
        if os.path.exists(candidate):
            return candidate
    pytest.skip("no python for other users")


def test_the_umask_takes_nothing_away(layout: Layout, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        with open_local_store(layout) as store:
            write_tree(TREE, os.fsencode(tmp_path / "tree"))
            tree = store.add_path("tree", str(tmp_path / "tree"))
            graph, _, source = small_graph(store)
            store.instantiate([graph])
            assert stat.S_IMODE(os.stat(f"{tree}/program").st_mode) == 0o555
            assert stat.S_IMODE(os.stat(f"{tree}/d/b").st_mode) == 0o444
            assert stat.S_IMODE(os.stat(tree).st_mode) == 0o555
            assert stat.S_IMODE(os.stat(source.path).st_mode) == 0o444
            assert stat.S_IMODE(os.stat(layout.state_dir).st_mode) == 0o755
    finally:
        os.umask(old)


def test_no_temporary_trees_are_left(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    os.mkfifo(tmp_path / "bad" / "pipe")
    store.add_text("a", b"b")
    with pytest.raises(UnsupportedFileType, match="a named pipe"):
        store.add_path("bad", str(tmp_path / "bad"))
    with pytest.raises(NotAFlatFile):
        store.add_path("bad", str(tmp_path), recursive=False)
    assert [name for name in os.listdir(store.store_dir) if name.endswith(("-incoming", ".lock"))] == []


def test_large_files_are_streamed_and_flat_hashed(store: LocalStore, tmp_path: Path) -> None:
    contents = os.urandom(1 << 20) * 3 + b"tail"
    (tmp_path / "large").write_bytes(contents)
    flat = store.add_path("flat", str(tmp_path / "large"), recursive=False, algo="sha512")
    deep = store.add_path("deep", str(tmp_path / "large"))
    assert flat == make_fixed_path(store.store_dir, "flat", hash_bytes(contents, "sha512"), recursive=False)
    assert Path(flat).read_bytes() == Path(deep).read_bytes() == contents
    assert b"".join(store.dump_nar(deep)) == encode_tree(File(contents))
    assert store.path_info(deep).nar_hash == hash_bytes(encode_tree(File(contents)))


def test_large_content_that_is_there_is_not_written_again(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larix.store.adding._KEPT_IN_MEMORY", 100_000)
    file = tmp_path / "large"
    file.write_bytes(os.urandom(400_000))
    first = store.add_path("large", str(file))
    written: list[str] = []
    real = TreeWriter.__init__

    def noting(writer: TreeWriter, name: str, *more: object) -> None:
        written.append(name)
        real(writer, name, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(TreeWriter, "__init__", noting)
    assert store.add_path("large", str(file)) == first
    assert written == []
    file.write_bytes(os.urandom(400_000))
    second = store.add_path("large", str(file))
    assert second != first
    assert Path(second).read_bytes() == file.read_bytes()
    assert len(written) == 1


def test_what_a_crash_left_at_a_path_is_replaced(store: LocalStore, tmp_path: Path) -> None:
    graph, _, source = small_graph(store)
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    target = make_fixed_path(store.store_dir, "tree", hash_bytes(encode_tree(TREE)), recursive=True)
    Path(source.path).write_bytes(b"half")
    Path(graph.path).mkdir()
    Path(graph.path, "junk").write_bytes(b"")
    Path(target).write_bytes(b"junk")
    store.instantiate([graph])
    assert store.add_path("tree", str(tmp_path / "tree")) == target
    assert Path(source.path).read_bytes() == b"echo > $out\n"
    assert Path(graph.path).read_bytes() == graph.text
    assert b"".join(store.dump_nar(target)) == encode_tree(TREE)


def test_threads_share_a_store(store: LocalStore) -> None:
    found: list[StorePath] = []

    def work(number: int) -> None:
        for index in range(10):
            found.append(store.add_text("same", b"%d" % index))
            store.add_text(f"own-{number}", b"%d" % index)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 10
    assert len(store.all_valid_paths()) == 50


def test_a_fork_uses_the_store_beside_its_parent(store: LocalStore) -> None:
    mine = store.add_text("mine", b"parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store.add_text("theirs", mine.encode(), [mine])
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(store.referrers(mine)) == 1
    assert store.add_text("more", b"1") in store.all_valid_paths()


def test_a_path_is_found_by_its_hash_part(store: LocalStore) -> None:
    path = store.add_text("a", b"b")
    digits = os.path.basename(path)[:32]
    assert store.path_of_hash_part(digits) == path
    assert store.path_of_hash_part("0" * 32) is None


def test_registering_an_unknown_reference_changes_nothing(store: LocalStore) -> None:
    source = text_source(store.store_dir, "a", b"b")
    missing = StorePath(f"{store.store_dir}/{'0' * 32}-missing")
    with pytest.raises(UnknownReference, match="missing"):
        store.register_infos([PathInfo(source.path, hash_bytes(b""), 1, (missing,))])
    assert store.all_valid_paths() == set()


def test_a_closed_store_gives_up_its_roots(layout: Layout) -> None:
    store = open_local_store(layout)
    store.add_text("a", b"b")
    assert os.listdir(layout.temp_roots_dir) == [str(os.getpid())]
    store.close()
    store.close()
    assert os.listdir(layout.temp_roots_dir) == []


def test_a_root_in_the_store_is_refused(store: LocalStore) -> None:
    path = store.add_text("a", b"b")
    with pytest.raises(StoreError, match="in the store itself"):
        store.add_permanent_root(path, f"{store.store_dir}/link")


def test_a_default_access_list_is_refused(layout: Layout) -> None:
    open_local_store(layout).close()
    entries = [(0x01, 7), (0x04, 5), (0x20, 5)]  # owner, group, others
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, bits, 0xFFFFFFFF) for tag, bits in entries)
    try:
        os.setxattr(layout.store_dir, "system.posix_acl_default", acl)
    except OSError:
        pytest.skip("no access lists here")
    with pytest.raises(StoreUnusable, match="default access list"):
        open_local_store(layout)


@pytest.mark.parametrize("value", ["relative/store", "/", "/a\0b"])
def test_a_store_directory_that_makes_no_sense_is_refused(value: str) -> None:
    with pytest.raises(StoreUnusable, match="LARIX_STORE_DIR"):
        Layout.from_environment({"LARIX_STORE_DIR": value})


def test_the_environment_names_the_layout() -> None:
    assert Layout.from_environment({}) == Layout(StoreDir("/larix/store"), "/larix/var", "/larix/var/log")
    given = {"LARIX_STORE_DIR": "/a/store/", "LARIX_STATE_DIRECTORY": "/b"}
    assert Layout.from_environment(given) == Layout(StoreDir("/a/store"), "/b", "/b/log")


def test_content_that_names_itself_is_taken_by_its_address_alone(store: LocalStore) -> None:
    blank = encode_tree(File(b"I am at " + b"0" * 32))
    hasher = SelfReferenceHasher("0" * 32)
    hasher.update(blank)
    address = hasher.finish()
    path = make_fixed_path(store.store_dir, "mirror", address, recursive=True, self_reference=True)
    data = encode_tree(File(b"I am at " + hash_part(path).encode()))
    info = PathInfo(path, hash_bytes(data), len(data), (path,), content_address=f"fixed:r:{address}")
    other = encode_tree(File(b"I was at " + hash_part(path).encode()))
    with pytest.raises(ArchiveMismatch, match="should be"):
        store.add_nar(info._replace(nar_hash=hash_bytes(other), nar_size=len(other)), [other])
    elsewhere = StorePath(path.replace("-mirror", "-glass"))
    with pytest.raises(ArchiveMismatch, match=r"not `.*-glass`"):
        store.add_nar(info._replace(path=elsewhere, references=(elsewhere,)), [data])
    assert not store.is_valid(path)
    store.add_nar(info, [data])
    assert Path(path).read_bytes().endswith(hash_part(path).encode())


def test_a_program_is_no_text(store: LocalStore) -> None:
    contents = b"#!"
    data = encode_tree(File(contents, executable=True))
    path = make_text_path(store.store_dir, "a", hash_bytes(contents).digest)
    info = PathInfo(path, hash_bytes(data), len(data), content_address=f"text:{hash_bytes(contents)}")
    with pytest.raises(ArchiveMismatch, match="plain file"):
        store.add_nar(info, [data])
