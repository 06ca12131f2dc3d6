"""What every `protocol.Store` must do, whatever it is made of: the local one, a client of a daemon, a fake.

A test module makes a subclass whose name pytest collects, with a fixture `store` that gives an empty,
writable store, opened anew for each test:

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def store(self, tmp_path): ...

Stores are reached through the protocol alone; files are read where `store.store_dir` says they are.
"""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

from larix.derivation import FixedOutput, Lowered, Source, TreeContent, derivation, text_source, tree_source
from larix.derivation.source import FileContent
from larix.errors import LarixError
from larix.formats.hashes import Hash, hash_bytes
from larix.formats.nar import Directory, File, Symlink, Tree, decode_tree, encode_tree
from larix.formats.storepath import StorePath, make_fixed_path, make_text_path
from larix.protocol import PathInfo, PathNotValid, Store

__all__ = ["StoreConformance"]

TREE = Directory(
    {
        b"empty": Directory({}),
        b"link": Symlink(b"../nowhere"),
        b"program": File(b"#!/bin/sh\n", executable=True),
        b"\xff\xfe-not-utf8": File(b"odd name"),
        b"d": Directory({b"b": File(b"2"), b"a.b": File(b"1"), b"a": Directory({b"x": File(b"")})}),
    }
)


def write_tree(tree: Tree, file: bytes) -> None:
    """Make `tree` on disk, with ordinary modes."""
    if isinstance(tree, File):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if tree.executable else 0o644)
        with open(descriptor, "wb") as stream:
            stream.write(tree.contents)
    elif isinstance(tree, Symlink):
        os.symlink(tree.target, file)
    else:
        os.mkdir(file)
        for name, entry in tree.entries.items():
            write_tree(entry, file + b"/" + name)


def small_graph(store: Store) -> tuple[Lowered, Lowered, Source]:
    """A derivation, one that uses it, and a source of both."""
    source = text_source(store.store_dir, "builder.sh", b"echo > $out\n")
    below = derivation(
        "below",
        store_dir=store.store_dir,
        system="x86_64-linux",
        builder="/bin/sh",
        args=[source.path],
        sources=[source],
        outputs=("out", "doc"),
    )
    above = derivation(
        "above",
        store_dir=store.store_dir,
        system="x86_64-linux",
        builder="/bin/sh",
        args=[source.path],
        sources=[source, tree_source(store.store_dir, "tree", TREE)],
        inputs=[(below, ("out",))],
    )
    return above, below, source


def refused(error: type[LarixError]) -> _Refused:
    """A context that demands `error`."""
    return _Refused(error)


class _Refused:
    def __init__(self, error: type[LarixError]) -> None:
        self._error = error

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        assert kind is not None, f"{self._error.__name__} was not raised"
        return isinstance(error, self._error)


class StoreConformance:
    """The suite; each method is a test."""

    tells_addresses = True  # the protocol of Guix has no words for how a name follows from content

    def _check_address(self, info: PathInfo, address: str) -> None:
        assert info.content_address == (address if self.tells_addresses else None)

    def test_nothing_is_valid_in_an_empty_store(self, store: Store) -> None:
        path = make_text_path(store.store_dir, "a", sha256(b"").digest())
        assert store.all_valid_paths() == set()
        assert not store.is_valid(path)
        assert store.valid_paths([path]) == set()
        assert store.path_infos([path]) == {}
        assert store.referrers(path) == set()
        assert store.derivers(path) == set()
        for ask in (store.path_info, store.references, store.dump_nar, store.read_derivation):
            with refused(PathNotValid):
                ask(path)
        with refused(PathNotValid):
            store.closure([path])

    def test_a_text_is_where_its_path_says_with_canonical_metadata(self, store: Store) -> None:
        path = store.add_text("greeting", b"hello\n")
        assert path == make_text_path(store.store_dir, "greeting", sha256(b"hello\n").digest())
        assert Path(path).read_bytes() == b"hello\n"
        status = os.lstat(path)
        assert stat.S_IMODE(status.st_mode) == 0o444
        assert status.st_mtime == 1
        info = store.path_info(path)
        assert info.nar_hash == hash_bytes(encode_tree(File(b"hello\n")))
        assert info.nar_size == len(encode_tree(File(b"hello\n")))
        self._check_address(info, "text:" + str(hash_bytes(b"hello\n")))
        assert info.references == ()
        assert info.registration_time > 1_500_000_000
        assert not info.ultimate

    def test_a_text_with_references_has_them(self, store: Store) -> None:
        first = store.add_text("first", b"1")
        second = store.add_text("second", first.encode(), [first])
        assert store.references(second) == {first}
        assert store.referrers(first) == {second}
        assert store.closure([second]) == {first, second}
        assert store.path_info(second).references == (first,)

    def test_a_text_that_refers_to_nothing_valid_is_refused(self, store: Store) -> None:
        missing = make_text_path(store.store_dir, "missing", sha256(b"").digest())
        with refused(LarixError):
            store.add_text("a", b"b", [missing])
        assert store.all_valid_paths() == set()

    def test_adding_twice_gives_the_same(self, store: Store) -> None:
        path = store.add_text("a", b"b")
        before = os.lstat(path)
        assert store.add_text("a", b"b") == path
        assert os.lstat(path).st_ino == before.st_ino
        assert store.all_valid_paths() == {path}

    def test_a_tree_comes_back_as_it_was(self, store: Store, tmp_path: Path) -> None:
        write_tree(TREE, os.fsencode(tmp_path / "tree"))
        path = store.add_path("tree", str(tmp_path / "tree"))
        archive = encode_tree(TREE)
        assert path == make_fixed_path(store.store_dir, "tree", hash_bytes(archive), recursive=True)
        assert b"".join(store.dump_nar(path)) == archive
        info = store.path_info(path)
        assert (info.nar_hash, info.nar_size) == (hash_bytes(archive), len(archive))
        self._check_address(info, f"fixed:r:{hash_bytes(archive)}")
        for directory, names, files in os.walk(path):
            for name in [*names, *files]:
                status = os.lstat(os.path.join(directory, name))
                assert status.st_mtime == 1
                assert stat.S_ISLNK(status.st_mode) or stat.S_IMODE(status.st_mode) in {0o444, 0o555}

    def test_files_are_added_flat_with_every_algorithm(self, store: Store, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"contents")
        file.chmod(0o755)
        for algo in ("md5", "sha1", "sha256", "sha512"):
            path = store.add_path(f"flat-{algo}", str(file), recursive=False, algo=algo)
            expected = hash_bytes(b"contents", algo)
            assert path == make_fixed_path(store.store_dir, f"flat-{algo}", expected, recursive=False)
            self._check_address(store.path_info(path), f"fixed:{expected}")
            assert stat.S_IMODE(os.lstat(path).st_mode) == 0o444

    def test_trees_are_added_with_every_algorithm(self, store: Store, tmp_path: Path) -> None:
        write_tree(TREE, os.fsencode(tmp_path / "tree"))
        for algo in ("md5", "sha1", "sha256", "sha512"):
            path = store.add_path(f"tree-{algo}", str(tmp_path / "tree"), algo=algo)
            expected = hash_bytes(encode_tree(TREE), algo)
            assert path == make_fixed_path(store.store_dir, f"tree-{algo}", expected, recursive=True)
            self._check_address(store.path_info(path), f"fixed:r:{expected}")

    def test_a_filter_leaves_things_out(self, store: Store, tmp_path: Path) -> None:
        write_tree(TREE, os.fsencode(tmp_path / "tree"))
        seen: list[bytes] = []

        def keep(file: bytes) -> bool:
            seen.append(file)
            return not file.endswith((b"/d", b"/link"))

        path = store.add_path("tree", str(tmp_path / "tree"), filter=keep)
        kept = Directory({name: entry for name, entry in TREE.entries.items() if name not in {b"d", b"link"}})
        assert decode_tree(b"".join(store.dump_nar(path))) == kept
        assert os.fsencode(tmp_path / "tree") + b"/d" in seen
        assert not any(b"/d/" in file for file in seen)

    def test_bad_names_are_refused(self, store: Store) -> None:
        for name in ("", "..", "a/b", "a b", "ä", "x" * 212):
            with refused(LarixError):
                store.add_text(name, b"")
        assert store.all_valid_paths() == set()

    def test_a_missing_file_is_refused(self, store: Store, tmp_path: Path) -> None:
        with refused(LarixError):
            store.add_path("a", str(tmp_path / "missing"))

    def test_what_has_no_content_is_refused(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "tree").mkdir()
        os.mkfifo(tmp_path / "tree" / "pipe")
        with refused(LarixError):
            store.add_path("tree", str(tmp_path / "tree"))
        assert store.all_valid_paths() == set()

    def test_an_archive_is_taken_as_its_record_says(self, store: Store) -> None:
        first = store.add_text("first", b"1")
        info = self._info(store, "item", TREE, references=(first,))
        archive = encode_tree(TREE)
        store.add_nar(info, [archive[i : i + 7] for i in range(0, len(archive), 7)])
        known = store.path_info(info.path)
        assert known._replace(registration_time=0) == info._replace(references=(first,))
        assert b"".join(store.dump_nar(info.path)) == archive

    def test_an_archive_with_another_hash_or_size_leaves_nothing(self, store: Store) -> None:
        info = self._info(store, "item", TREE)
        archive = encode_tree(TREE)
        other = encode_tree(Directory({}))
        for wrong, chunks in (
            (info, [other]),
            (info, [archive[:-1]]),
            (info, [archive, b"more"]),
            (info, [b"x" + archive[1:]]),
            (info._replace(nar_size=info.nar_size - 1), [archive]),
            (info._replace(nar_size=info.nar_size + 8), [archive]),
            (info._replace(content_address=f"fixed:r:{hash_bytes(other)}"), [archive]),
        ):
            with refused(LarixError):
                store.add_nar(wrong, chunks)
            assert not store.is_valid(info.path)
            assert not os.path.lexists(info.path)

    def test_signatures_come_together(self, store: Store) -> None:
        info = self._info(store, "item", TREE, signatures=("a:1",))
        store.add_nar(info, [encode_tree(TREE)])
        store.add_nar(info._replace(signatures=("b:2",)), [encode_tree(TREE)])
        assert set(store.path_info(info.path).signatures) == {"a:1", "b:2"}

    def _info(
        self,
        store: Store,
        name: str,
        tree: Tree,
        *,
        references: tuple[StorePath, ...] = (),
        signatures: tuple[str, ...] = (),
    ) -> PathInfo:
        archive = encode_tree(tree)
        path = make_fixed_path(store.store_dir, name, Hash("sha1", bytes(20)), recursive=True)
        return PathInfo(path, hash_bytes(archive), len(archive), references, signatures=signatures)

    def test_a_graph_becomes_valid_as_a_whole(self, store: Store) -> None:
        above, below, source = small_graph(store)
        store.instantiate([above])
        tree = next(one for one in above.sources if isinstance(one.content, TreeContent))
        assert store.all_valid_paths() == {above.path, below.path, source.path, tree.path}
        assert store.references(above.path) == {below.path, source.path, tree.path}
        assert Path(above.path).read_bytes() == above.text
        assert b"".join(store.dump_nar(tree.path)) == encode_tree(TREE)
        assert store.read_derivation(above.path) == above.derivation
        assert store.derivers(below.output_path("doc")) == {below.path}
        for path in store.all_valid_paths():
            info = store.path_info(path)
            archive = b"".join(store.dump_nar(path))
            assert (info.nar_hash, info.nar_size) == (hash_bytes(archive), len(archive))

    def test_a_graph_known_in_part_is_completed(self, store: Store) -> None:
        above, below, _ = small_graph(store)
        store.instantiate([below])
        inode = os.lstat(below.path).st_ino
        store.instantiate([above, below])
        store.instantiate([above, below])
        assert os.lstat(below.path).st_ino == inode
        assert {above.path, below.path} <= store.all_valid_paths()

    def test_instantiating_gives_the_same_records_as_adding(self, store: Store) -> None:
        source = text_source(store.store_dir, "a", b"text")
        tree = tree_source(store.store_dir, "t", TREE)
        store.instantiate([], [source, tree])
        info = store.path_info(source.path)
        self._check_address(info, "text:" + str(hash_bytes(b"text")))
        self._check_address(store.path_info(tree.path), f"fixed:r:{hash_bytes(encode_tree(TREE))}")

    def test_files_are_read_when_a_graph_is_instantiated(self, store: Store, tmp_path: Path) -> None:
        write_tree(TREE, os.fsencode(tmp_path / "tree"))
        path = make_fixed_path(store.store_dir, "tree", hash_bytes(encode_tree(TREE)), recursive=True)
        store.instantiate([], [Source(path, (), FileContent(str(tmp_path / "tree")))])
        assert b"".join(store.dump_nar(path)) == encode_tree(TREE)

    def test_a_file_that_changed_since_is_refused(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"new")
        path = make_fixed_path(store.store_dir, "file", hash_bytes(encode_tree(File(b"old"))), recursive=True)
        with refused(LarixError):
            store.instantiate([], [Source(path, (), FileContent(str(tmp_path / "file")))])
        assert store.all_valid_paths() == set()

    def test_a_graph_with_a_missing_source_leaves_nothing_valid(self, store: Store) -> None:
        missing = make_text_path(store.store_dir, "missing", sha256(b"").digest())
        lowered = derivation("d", store_dir=store.store_dir, system="x", builder="/bin/sh", sources=[missing])
        with refused(LarixError):
            store.instantiate([lowered])
        assert store.all_valid_paths() == set()

    def test_a_fixed_output_is_known_by_its_derivation(self, store: Store) -> None:
        lowered = derivation(
            "f",
            store_dir=store.store_dir,
            system="x",
            builder="builtin:download",
            fixed=FixedOutput(hash_bytes(b"")),
        )
        store.instantiate([lowered])
        assert store.derivers(lowered.output_path()) == {lowered.path}

    def test_a_permanent_root_is_a_link_to_its_path(self, store: Store, tmp_path: Path) -> None:
        path = store.add_text("a", b"b")
        link = tmp_path / "result"
        store.add_permanent_root(path, str(link))
        assert os.readlink(link) == path
        other = store.add_text("c", b"d")
        store.add_permanent_root(other, str(link))
        assert os.readlink(link) == other

    def test_a_root_never_replaces_a_file(self, store: Store, tmp_path: Path) -> None:
        path = store.add_text("a", b"b")
        (tmp_path / "result").write_text("precious")
        with refused(LarixError):
            store.add_permanent_root(path, str(tmp_path / "result"))
        assert (tmp_path / "result").read_text() == "precious"

    def test_asking_for_many_at_once_is_asking_for_each(self, store: Store) -> None:
        paths = [store.add_text(f"t{number}", b"%d" % number) for number in range(20)]
        missing = make_text_path(store.store_dir, "missing", sha256(b"").digest())
        assert store.valid_paths([*paths, missing]) == set(paths)
        assert store.path_infos([*paths, missing]) == {path: store.path_info(path) for path in paths}
        assert store.valid_paths([]) == set()
        assert store.path_infos([]) == {}
        assert store.closure([]) == set()
