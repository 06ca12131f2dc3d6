"""Verification finds every change of content, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.roots import HiddenRoots
from larix.store.verify import verify
from larix.testing.store_conformance import TREE, write_tree


@pytest.fixture
def tree(store: LocalStore, tmp_path: Path) -> StorePath:
    write_tree(TREE, os.fsencode(tmp_path / "tree"))
    return store.add_path("tree", str(tmp_path / "tree"))


def open_up(tree: str) -> None:
    for directory, _, files in os.walk(tree):
        os.chmod(directory, 0o755)
        for name in files:
            if not os.path.islink(f"{directory}/{name}"):
                os.chmod(f"{directory}/{name}", 0o755 if name == "program" else 0o644)


def test_a_store_as_it_was_made_is_sound(store: LocalStore, tree: StorePath) -> None:
    store.add_text("a", tree.encode(), [tree])
    seen: list[StorePath] = []
    result = verify(store, check_contents=True, on_path=seen.append)
    assert result.is_sound
    assert result.checked == 2
    assert set(seen) == store.all_valid_paths()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda tree: (tree / "d" / "b").write_bytes(b"3"),
    "an executable bit": lambda tree: (tree / "program").chmod(0o644),
    "a link's target": lambda tree: ((tree / "link").unlink(), (tree / "link").symlink_to("elsewhere")),
    "an extra file": lambda tree: (tree / "extra").write_bytes(b""),
    "a missing file": lambda tree: (tree / "d" / "b").unlink(),
    "another type": lambda tree: ((tree / "d" / "b").unlink(), os.mkfifo(tree / "d" / "b")),
    "the whole tree": lambda tree: (shutil.rmtree(tree), tree.write_bytes(b"")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_change_of_content_is_found(store: LocalStore, tree: StorePath, damage: str) -> None:
    other = store.add_text("other", b"fine")
    open_up(tree)
    DAMAGES[damage](Path(tree))
    result = verify(store, check_contents=True)
    assert [mismatch.path for mismatch in result.mismatches] == [tree]
    assert not result.is_sound
    assert store.all_valid_paths() == {tree, other}
    assert verify(store, paths=[other], check_contents=True).is_sound
    assert verify(store).is_sound, "existence alone was asked"


def test_a_vanished_path_is_forgotten_unless_it_is_needed(layout: Layout) -> None:
    with open_local_store(layout) as store:
        needed = store.add_text("needed", b"1")
        user = store.add_text("user", needed.encode(), [needed])
        lone = store.add_text("lone", b"2")
        rooted = store.add_text("rooted", b"3")
    os.symlink(rooted, layout.gc_roots_dir + "/root")
    with open_local_store(layout) as store:
        for path in (needed, lone, rooted):
            os.unlink(path)
        result = verify(store)
        assert result.forgotten == [lone]
        assert result.missing == sorted([needed, rooted])
        assert not result.is_sound
        assert store.all_valid_paths() == {needed, user, rooted}
        os.unlink(user)
        os.unlink(layout.gc_roots_dir + "/root")
        assert verify(store).forgotten == sorted([needed, user, rooted])
        assert store.all_valid_paths() == set()


def test_where_roots_are_hidden_nothing_is_forgotten(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_local_store(layout) as store:
        lone = store.add_text("lone", b"2")
    os.unlink(lone)

    def hide(*_arguments: object, **_options: object) -> None:
        raise HiddenRoots("/place", OSError(13, "no"), unless="/link")

    monkeypatch.setattr("larix.store.gc.find_roots", hide)
    with open_local_store(layout) as store:
        assert verify(store).missing == [lone]
        assert store.all_valid_paths() == {lone}
