"""One store, two programs: what larix writes real Nix reads, and the other way round."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.derivation import derivation, text_source, tree_source
from larix.formats.hashes import parse_hash
from larix.formats.storepath import StoreDir, StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.atomic import remove_tree
from larix.store.gc import collect, live_paths
from larix.store.verify import verify
from larix.testing.store_conformance import TREE, small_graph, write_tree

pytestmark = [
    pytest.mark.compat,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nix-store") is None, reason="real Nix is not on this machine"),
]

SOURCES = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "nix.conf").write_text("build-users-group =\nsandbox = false\n")
    return Layout(StoreDir(f"{tmp_path}/store"), f"{tmp_path}/var", f"{tmp_path}/log")


@pytest.fixture
def store(layout: Layout) -> Iterator[LocalStore]:
    with open_local_store(layout) as opened:
        yield opened


def environment(layout: Layout) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NIX_")}
    base = os.path.dirname(layout.store_dir)
    return clean | {
        "NIX_STORE_DIR": layout.store_dir,
        "NIX_STATE_DIR": layout.state_dir,
        "NIX_LOG_DIR": layout.log_dir,
        "NIX_CONF_DIR": f"{base}/conf",
        "NIX_REMOTE": "local",
        "HOME": base,
        "PYTHONPATH": SOURCES,
    }


def nix(layout: Layout, *arguments: str, data: str = "") -> str:
    done = subprocess.run(
        ["nix-store", *arguments],
        env=environment(layout),
        input=data,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def metadata(path: str) -> list[tuple[object, ...]]:
    """What must be canonical, for a whole tree."""
    found = []
    for directory, names, files in [("", [], [path]), *os.walk(path)]:
        for name in [*names, *files]:
            file = os.path.join(directory, name)
            status = os.lstat(file)
            mode = stat.S_IFMT(status.st_mode) if stat.S_ISLNK(status.st_mode) else status.st_mode
            found.append((file, mode, status.st_mtime, status.st_uid, status.st_gid))
    return sorted(found)


def test_nix_reads_what_larix_wrote(store: LocalStore, layout: Layout, tmp_path: Path) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    tree = store.add_path("tree", str(tmp_path / "tree"))
    text = store.add_text("text", tree.encode(), [tree])
    flat = store.add_path("flat", str(tmp_path / "tree" / "program"), recursive=False, algo="sha1")
    above, below, source = small_graph(store)
    store.instantiate([above])
    write_tree(TREE, os.fsencode(tmp_path / "out"))
    (tmp_path / "out" / "reference").write_text(text)
    output = store.ingest(str(tmp_path / "out"), above.output_path(), candidates=[text, tree, flat])
    store.register_outputs([output], deriver=above.path)
    nix(layout, "--verify", "--check-contents")
    assert set(nix(layout, "-q", "--references", above.path).split()) == store.references(above.path)
    assert set(nix(layout, "-q", "--referrers", below.path).split()) == {above.path}
    assert set(nix(layout, "-qR", above.path).split()) == store.closure([above.path])
    assert nix(layout, "-q", "--deriver", above.output_path()).split() == [above.path]
    assert set(nix(layout, "-q", "--outputs", below.path).split()) == set(below.outputs.values())
    for path in store.all_valid_paths():
        info = store.path_info(path)
        assert parse_hash(nix(layout, "-q", "--hash", path).strip()) == info.nar_hash
        assert nix(layout, "-q", "--size", path).strip() == str(info.nar_size)
    dumped = nix(layout, "--dump-db")
    assert set(nix(layout, "-q", "--requisites", *store.all_valid_paths()).split()) == store.all_valid_paths()
    assert dumped.count(layout.store_dir) >= len(store.all_valid_paths())
    assert source.path in dumped


def test_larix_reads_what_nix_wrote(layout: Layout, tmp_path: Path) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    tree = nix(layout, "--add", str(tmp_path / "tree")).strip()
    (tmp_path / "p.nix").write_text(
        f'derivation {{ name = "p"; system = builtins.currentSystem; builder = "/bin/sh";'
        f' args = [ "-c" "echo ${{{tmp_path}/tree/program}} > $out" ]; }}'
    )
    done = subprocess.run(
        ["nix-build", "--no-out-link", str(tmp_path / "p.nix")],
        env=environment(layout),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    output = StorePath(done.stdout.strip())
    with open_local_store(layout) as store:
        assert verify(store, check_contents=True).is_sound
        assert store.is_valid(StorePath(tree))
        info = store.path_info(output)
        assert info.ultimate
        assert info.deriver is not None
        assert store.read_derivation(info.deriver).outputs["out"].path == output
        assert store.derivers(output) == {info.deriver}
        assert len(store.references(output)) == 1
        assert store.add_path("tree", str(tmp_path / "tree")) == tree
    with open_local_store(layout) as store:
        collected = collect(store)
        assert output in collected.paths
        assert store.all_valid_paths() == set()
    nix(layout, "--verify", "--check-contents")


def test_both_write_the_same_records_and_the_same_files(tmp_path: Path) -> None:
    """Two stores of the same name, one after the other, one filled by each program."""
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "nix.conf").write_text("build-users-group =\n")
    layout = Layout(StoreDir(f"{tmp_path}/store"), f"{tmp_path}/var", f"{tmp_path}/log")
    query = "select path, hash, deriver, narSize, ultimate, sigs, ca from ValidPaths order by path"
    records, files = [], []
    for by_nix in (True, False):
        if by_nix:
            nix(layout, "--add", str(tmp_path / "tree"))
            nix(layout, "--add-fixed", "sha512", str(tmp_path / "tree" / "d" / "b"))
            nix(layout, "--add-fixed", "--recursive", "sha1", str(tmp_path / "tree" / "d"))
            subprocess.run(
                ["nix-instantiate", "-E", 'builtins.toFile "text" "contents"', "--eval", "--read-write-mode"],
                env=environment(layout),
                capture_output=True,
                check=True,
            )
            with open_local_store(layout) as store:
                records.append(store.database.query(query))
        else:
            with open_local_store(layout) as store:
                store.add_path("tree", str(tmp_path / "tree"))
                store.add_path("b", str(tmp_path / "tree" / "d" / "b"), recursive=False, algo="sha512")
                store.add_path("d", str(tmp_path / "tree" / "d"), algo="sha1")
                store.add_text("text", b"contents")
                records.append(store.database.query(query))
        files.append([entry for path in sorted(row[0] for row in records[-1]) for entry in metadata(path)])
        for directory in (layout.store_dir, layout.state_dir):
            remove_tree(directory)
    assert records[0] == records[1]
    assert files[0] == files[1]


def test_a_graph_of_ours_is_known_to_nix_by_its_own_rules(store: LocalStore, layout: Layout) -> None:
    """Nix recomputes what a derivation's outputs must be called when it registers it again."""
    source = text_source(store.store_dir, "s", b"x")
    below = derivation(
        "below", store_dir=store.store_dir, system="x86_64-linux", builder="/bin/sh", sources=[source]
    )
    above = derivation(
        "above",
        store_dir=store.store_dir,
        system="x86_64-linux",
        builder="/bin/sh",
        inputs=[(below, ["out"])],
        sources=[tree_source(store.store_dir, "t", TREE)],
    )
    store.instantiate([above])
    exported = subprocess.run(
        ["nix-store", "--export", *sorted(store.closure([above.path]))],
        env=environment(layout),
        capture_output=True,
        check=True,
    ).stdout
    assert nix(layout, "-q", "--outputs", above.path).strip() == above.output_path()
    collect_all(store)
    subprocess.run(
        ["nix-store", "--import"], env=environment(layout), input=exported, capture_output=True, check=True
    )
    assert store.is_valid(above.path)
    assert store.derivers(above.output_path()) == {above.path}


def collect_all(store: LocalStore) -> None:
    store.database.invalidate(store.all_valid_paths())
    nix(store.layout, "--gc")
    # Roots of this process keep the files; Nix must write them anew.
    for name in os.listdir(store.store_dir):
        remove_tree(f"{store.store_dir}/{name}")


def test_nix_collects_what_larix_lets_go_and_keeps_its_roots(layout: Layout, tmp_path: Path) -> None:
    with open_local_store(layout) as store:
        kept, gone = store.add_text("kept", b"1"), store.add_text("gone", b"2")
        rooted = store.add_text("rooted", b"3")
        store.add_permanent_root(rooted, str(tmp_path / "result"))
    with open_local_store(layout) as store:
        store.add_temp_root(kept)
        incoming = store._new_incoming()
        Path(incoming.file).write_text("half")
        assert set(nix(layout, "--gc", "--print-dead").split()) == {gone}
        nix(layout, "--gc")
        assert store.all_valid_paths() == {kept, rooted}
        assert Path(incoming.file).read_text() == "half"
        assert os.path.exists(kept)


def test_larix_keeps_what_nix_roots(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    path = nix(layout, "--add", str(tmp_path / "file")).strip()
    other = nix(layout, "--add-fixed", "sha256", str(tmp_path / "file")).strip()
    nix(layout, "--add-root", str(tmp_path / "result"), "--indirect", "-r", path)
    with open_local_store(layout) as store:
        assert live_paths(store) == {path}
        assert collect(store).paths == [other]
        assert os.path.exists(path)


def test_nix_waits_for_our_path_lock(store: LocalStore, layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    path = nix(layout, "--add", str(tmp_path / "file")).strip()
    store.database.invalidate([StorePath(path)])
    with store.lock_paths([StorePath(path)]):
        process = subprocess.Popen(
            ["nix-store", "--add", str(tmp_path / "file")],
            env=environment(layout),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        wait_for_blocked(path + ".lock")
        assert process.poll() is None
        assert not store.is_valid(StorePath(path))
    assert process.communicate()[0].strip() == path
    assert store.is_valid(StorePath(path))


def wait_for_blocked(file: str) -> None:
    """Until the kernel lists somebody waiting for the lock of `file`."""
    inode = os.stat(file).st_ino
    while True:
        with open("/proc/locks", encoding="ascii") as table:
            if any("->" in line and f":{inode} " in line for line in table):
                return
        os.sched_yield()


def test_nix_tells_our_collector_of_new_roots(layout: Layout, tmp_path: Path) -> None:
    """While larix deletes, a Nix process comes to need what is still there."""
    (tmp_path / "file").write_text("x")
    with open_local_store(layout) as store:
        wanted = store.add_path("file", str(tmp_path / "file"))
        for number in range(5):
            store.add_text(f"t{number}", b"")
    added: list[str] = []

    def on_delete(_: StorePath) -> None:
        if not added:
            added.append(nix(layout, "--add", str(tmp_path / "file")).strip())

    with open_local_store(layout) as store:
        order = collect(store, max_freed=1 << 40, on_delete=on_delete).paths
        assert added == [wanted]
        assert order.count(wanted) <= 1
        nix(layout, "--verify", "--check-contents")


def test_our_roots_reach_a_running_nix_collector(layout: Layout, tmp_path: Path) -> None:
    """Nix holds `gc.lock`; whoever adds a root then is sent to its socket or waits until it has ended."""
    with open_local_store(layout) as store:
        path = store.add_text("a", b"1")
    lock = os.open(layout.gc_lock_file, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    added = threading.Event()

    def add() -> None:
        with open_local_store(layout) as store:
            store.add_temp_root(path)
            added.set()

    thread = threading.Thread(target=add)
    thread.start()
    collector = subprocess.Popen(["nix-store", "--gc"], env=environment(layout), stdout=subprocess.DEVNULL)
    wait_for_blocked(layout.gc_lock_file)
    assert not added.is_set()
    os.close(lock)
    thread.join()
    collector.wait()
    assert added.is_set()


def test_both_add_at_the_same_time(layout: Layout, tmp_path: Path) -> None:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    program = (
        "import sys; from larix.store import *\n"
        "with open_local_store(Layout(*sys.argv[1:4])) as store:\n"
        "    for number in range(20):\n"
        "        print(store.add_path('tree', sys.argv[4]), store.add_text(f't{number}', b'x'))\n"
    )
    ours = subprocess.Popen(
        [sys.executable, "-B", "-c", program, *layout[:3], str(tmp_path / "tree")],
        env=environment(layout),
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(5):
        tree = nix(layout, "--add", str(tmp_path / "tree")).strip()
    assert tree in ours.communicate()[0]
    assert ours.returncode == 0
    nix(layout, "--verify", "--check-contents")
    with open_local_store(layout) as store:
        assert verify(store, check_contents=True).is_sound
        assert len(store.all_valid_paths()) == 21
