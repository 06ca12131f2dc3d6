"""`larix.store.optimise`: equal files become one, and nothing else changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from larix.formats.nar import Directory, File, Symlink
from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.gc import collect
from larix.store.optimise import TEMPORARY_LINK, optimise
from larix.store.verify import verify
from larix.testing.store_conformance import write_tree

pytestmark = pytest.mark.slow

BIG = b"0123456789" * 1000
TREE = Directory(
    {
        b"a": File(BIG),
        b"b": Directory({b"c": File(BIG), b"program": File(BIG, executable=True), b"empty": File(b"")}),
        b"link": Symlink(b"a"),
        b"other": File(BIG[::-1]),
    }
)


def add(store: LocalStore, folder: Path, name: str, tree: Directory = TREE) -> StorePath:
    write_tree(tree, os.fsencode(folder / name))
    return store.add_path(name, str(folder / name))


def inode(path: str) -> int:
    return os.lstat(path).st_ino


def test_equal_files_of_one_mode_become_one_inode(store: LocalStore, tmp_path: Path) -> None:
    first, second = add(store, tmp_path, "first"), add(store, tmp_path, "second")
    folder = os.stat(f"{first}/b")
    done = optimise(store)
    assert inode(f"{first}/a") == inode(f"{first}/b/c") == inode(f"{second}/a") == inode(f"{second}/b/c")
    assert inode(f"{first}/b/program") == inode(f"{second}/b/program") != inode(f"{first}/a")
    assert inode(f"{first}/other") == inode(f"{second}/other") != inode(f"{first}/a")
    assert done.files == 5
    assert done.bytes_freed == 5 * len(BIG)
    after = os.stat(f"{first}/b")
    assert (after.st_mode, after.st_mtime) == (folder.st_mode, folder.st_mtime)
    assert verify(store, check_contents=True).is_sound
    assert optimise(store) == (0, 0), "there is nothing left to share"


def test_what_comes_later_shares_with_what_was_there(store: LocalStore, tmp_path: Path) -> None:
    first, second = add(store, tmp_path, "first"), add(store, tmp_path, "second")
    optimise(store)
    third = add(store, tmp_path, "third")
    assert optimise(store).files == 4
    assert inode(f"{third}/a") == inode(f"{first}/a") == inode(f"{second}/a")


def test_items_that_are_one_file_are_shared_too(store: LocalStore) -> None:
    first, second = store.add_text("first", BIG), store.add_text("second", BIG)
    optimise(store)
    assert inode(first) == inode(second)
    assert oct(os.stat(store.store_dir).st_mode & 0o222) != "0o0", "the store itself can still be written to"


def test_damage_does_not_spread(store: LocalStore, tmp_path: Path) -> None:
    """What `.links` names is looked at before it takes the place of what is sound."""
    first, second = add(store, tmp_path, "first"), add(store, tmp_path, "second")
    optimise(store)
    os.chmod(f"{first}/a", 0o644)
    Path(f"{first}/a").write_bytes(BIG[::-1])
    os.chmod(f"{first}/a", 0o444)
    third, fourth = add(store, tmp_path, "third"), add(store, tmp_path, "fourth")
    optimise(store)
    assert Path(f"{third}/a").read_bytes() == BIG
    assert Path(f"{fourth}/b/c").read_bytes() == BIG
    assert {mismatch.path for mismatch in verify(store, check_contents=True).mismatches} == {first, second}


def test_a_collection_removes_names_that_nothing_else_has(
    store: LocalStore, layout: Layout, tmp_path: Path
) -> None:
    add(store, tmp_path, "first")
    add(store, tmp_path, "second")
    optimise(store)
    links = f"{store.store_dir}/.links"
    assert len(os.listdir(links)) == 3
    folder = f"{links}/{os.listdir(links)[0]}"
    os.link(f"{folder}/{os.listdir(folder)[0]}", f"{links}/{TEMPORARY_LINK}left-by-a-kill")
    store.close()
    with open_local_store(layout) as later:
        collect(later)
        assert os.listdir(links) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_ordinary_owner_of_a_store_can_share_too(public_dir: Path) -> None:
    program = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from larix.formats.storepath import StoreDir
from larix.store import Layout, open_local_store
from larix.store.optimise import optimise
base = sys.argv[1]
os.mkdir(base + "/tree"); os.mkdir(base + "/tree/d")
Path(base + "/tree/a").write_text("same" * 100); Path(base + "/tree/d/b").write_text("same" * 100)
with open_local_store(Layout(StoreDir(base + "/store"), base + "/var", base + "/log")) as store:
    path = store.add_path("tree", base + "/tree")
    assert optimise(store).files == 1
    assert os.stat(path + "/a").st_ino == os.stat(path + "/d/b").st_ino
    assert os.stat(path + "/d").st_mode & 0o777 == 0o555
    assert os.stat(path + "/d").st_mtime == 1
"""
    sources = str(Path(__file__).parents[2] / "src")
    os.chmod(public_dir, 0o777)
    done = subprocess.run(
        [
            "setpriv",
            "--reuid=12345",
            "--regid=12345",
            "--clear-groups",
            sys.executable,
            "-c",
            program,
            public_dir,
            sources,
        ],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr and sys.executable in done.stderr:
        pytest.skip("the interpreter is for its owner only")
    assert done.returncode == 0, done.stderr


def test_it_can_be_killed_at_any_moment(store: LocalStore, layout: Layout, tmp_path: Path) -> None:
    """Everything is sound afterwards, and another run finishes the work."""
    for number in range(6):
        add(
            store,
            tmp_path,
            f"tree-{number}",
            Directory({b"%d" % n: File(b"%d" % n * 50) for n in range(1, 60)}),
        )
    program = (
        "import os, sys\n"
        "from larix.store import Layout, open_local_store\n"
        "from larix.store import optimise as module\n"
        "left = int(sys.argv[1])\n"
        "real = os.rename\n"
        "def rename(*words):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left == 0: os.kill(os.getpid(), 9)\n"
        "    real(*words)\n"
        "os.rename = rename\n"
        "with open_local_store(Layout(*sys.argv[2:5])) as store:\n"
        "    module.optimise(store)\n"
    )
    sources = str(Path(__file__).parents[2] / "src")
    for moment in (1, 7, 40, 111):
        done = subprocess.run(
            [sys.executable, "-c", program, str(moment), *layout[:3]],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": sources},
            check=False,
        )
        assert done.returncode == -9
        assert verify(store, check_contents=True).is_sound
    assert optimise(store).files > 0
    assert verify(store, check_contents=True).is_sound
    assert optimise(store).files == 0


def test_new_items_share_what_is_there_when_told_to(store: LocalStore, tmp_path: Path) -> None:
    store.deduplicate(on=True)
    first, second = add(store, tmp_path, "first"), add(store, tmp_path, "second")
    small = Directory({b"x": File(b"small"), b"y": File(b"small")})
    third = add(store, tmp_path, "third", small)
    assert inode(f"{first}/a") == inode(f"{first}/b/c") == inode(f"{second}/a") == inode(f"{second}/b/c")
    assert inode(f"{first}/b/program") == inode(f"{second}/b/program")
    assert inode(f"{third}/x") != inode(f"{third}/y"), "what is small is not worth a name"
    status = os.stat(f"{second}/b")
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o555, 1)
    assert verify(store, check_contents=True).is_sound
    store.deduplicate(on=False)
    fourth = add(store, tmp_path, "fourth")
    assert inode(f"{fourth}/a") != inode(f"{first}/a")


def test_damage_does_not_spread_into_new_items(store: LocalStore, tmp_path: Path) -> None:
    store.deduplicate(on=True)
    first = add(store, tmp_path, "first")
    os.chmod(f"{first}/a", 0o644)
    Path(f"{first}/a").write_bytes(BIG[::-1])
    os.chmod(f"{first}/a", 0o444)
    second, third = add(store, tmp_path, "second"), add(store, tmp_path, "third")
    assert Path(f"{second}/a").read_bytes() == Path(f"{third}/a").read_bytes() == BIG
    assert inode(f"{second}/a") == inode(f"{third}/a")


def test_names_as_nix_has_them_are_used_and_moved(store: LocalStore, tmp_path: Path) -> None:
    first = add(store, tmp_path, "first")
    optimise(store)
    links = Path(store.store_dir, ".links")
    for folder in list(links.iterdir()):
        for link in folder.iterdir():
            link.rename(links / (folder.name + link.name))
        folder.rmdir()
    second = add(store, tmp_path, "second")
    optimise(store)
    assert inode(f"{first}/a") == inode(f"{second}/a")
    assert all(entry.is_dir() for entry in links.iterdir())


@pytest.mark.parametrize("rounds", [int(os.environ.get("LARIX_TEST_ROUNDS", "4"))])
def test_new_items_are_shared_while_others_are_collected(layout: Layout, tmp_path: Path, rounds: int) -> None:
    """A collection takes names of `.links` away at any moment; no item ever lacks a file."""
    program = (
        "import sys\n"
        "from larix.store import Layout, open_local_store\n"
        "from larix.store.gc import collect\n"
        "with open_local_store(Layout(*sys.argv[1:4])) as store:\n"
        "    print('ready', flush=True)\n"
        "    while True:\n"
        "        collect(store)\n"
    )
    sources = str(Path(__file__).parents[2] / "src")
    with open_local_store(layout) as store:
        store.deduplicate(on=True)
    collector = subprocess.Popen(
        [sys.executable, "-c", program, *layout[:3]],
        env=os.environ | {"PYTHONPATH": sources},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert collector.stdout is not None
    assert collector.stdout.readline() == "ready\n"
    try:
        for number in range(rounds):
            with open_local_store(layout) as store:
                store.deduplicate(on=True)
                some = [add(store, tmp_path, f"i{number}-{each}") for each in range(5)]
                assert verify(store, paths=some, check_contents=True).is_sound
                assert store.valid_paths(some) == set(some)
    finally:
        collector.kill()
        collector.communicate()
