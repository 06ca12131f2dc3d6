"""What indirect roots keep while nobody can look at them, and when they are gone for good."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.gc import collect, dead_paths
from larix.store.roots import HiddenRoots, find_roots, indirect_root_file
from mounts import small_disk

OTHER = 4242


@pytest.fixture
def filled(layout: Layout) -> Iterator[LocalStore]:
    """Three items that no process keeps."""
    with open_local_store(layout) as store:
        for name in ("a", "b", "c"):
            store.add_text(name, name.encode())
    with open_local_store(layout) as store:
        yield store


def one(store: LocalStore, name: str) -> StorePath:
    (path,) = (path for path in store.all_valid_paths() if path.endswith(f"-{name}"))
    return path


class Closed:
    """Folders in which this process, be it root, may not look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folders: set[str] = set()
        for name in ("readlink", "scandir", "lstat"):
            monkeypatch.setattr(os, name, self._guarded(getattr(os, name), is_itself=name == "scandir"))

    def _guarded(self, call, *, is_itself: bool):
        def guarded(name, *arguments, **options):
            text = os.fsdecode(name) if not isinstance(name, int) else ""
            folder = text if is_itself else os.path.dirname(text)
            if any(f"{folder}/".startswith(f"{each}/") for each in self.folders):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), text)
            return call(name, *arguments, **options)

        return guarded


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Closed:
    return Closed(monkeypatch)


def test_a_home_that_is_closed_later_keeps_its_roots(
    filled: LocalStore, tmp_path: Path, closed: Closed
) -> None:
    path, link = one(filled, "a"), str(tmp_path / "home/result")
    os.mkdir(tmp_path / "home")
    os.symlink(path, link)
    filled.add_indirect_root(link)
    closed.folders.add(str(tmp_path / "home"))
    assert path not in dead_paths(filled)
    collect(filled)
    assert filled.all_valid_paths() == {path}
    closed.folders.clear()
    os.unlink(link)
    collect(filled)
    assert filled.all_valid_paths() == set()
    assert os.listdir(filled.layout.root_notes_dir) == []


def test_a_collection_notes_what_a_link_points_to_now(
    filled: LocalStore, tmp_path: Path, closed: Closed
) -> None:
    old, new, link = one(filled, "a"), one(filled, "b"), str(tmp_path / "home/result")
    os.mkdir(tmp_path / "home")
    os.symlink(old, link)
    filled.add_indirect_root(link)
    os.unlink(link)
    os.symlink(new, link)
    collect(filled)
    closed.folders.add(str(tmp_path / "home"))
    collect(filled)
    assert filled.all_valid_paths() == {new}


def test_a_closed_home_keeps_what_its_user_had_in_mind(
    filled: LocalStore, tmp_path: Path, closed: Closed
) -> None:
    """Another user who tells of the same link takes nothing away."""
    first, second, link = one(filled, "a"), one(filled, "b"), str(tmp_path / "home/result")
    closed.folders.add(str(tmp_path / "home"))
    filled.close()
    for path, user in ((first, 1), (second, 2)):
        with open_local_store(filled.layout) as store:
            store.add_temp_root(path)
            store.add_indirect_root(link, teller=user)
    with open_local_store(filled.layout) as store:
        assert {(first, link), (second, link)} <= set(find_roots(store.layout))
        collect(store)
        assert store.all_valid_paths() == {first, second}


def test_a_root_that_would_keep_nothing_is_refused(
    filled: LocalStore, tmp_path: Path, closed: Closed
) -> None:
    link = str(tmp_path / "home/result")
    closed.folders.add(str(tmp_path / "home"))
    with pytest.raises(HiddenRoots, match="Permission denied"):
        filled.add_indirect_root(link)
    assert os.listdir(f"{filled.layout.gc_roots_dir}/auto") == []


def test_where_nothing_was_noted_nothing_is_collected(
    filled: LocalStore, tmp_path: Path, closed: Closed
) -> None:
    link = str(tmp_path / "home/result")
    note = indirect_root_file(filled.layout, link)
    os.symlink(link, note)
    closed.folders.add(str(tmp_path / "home"))
    with pytest.raises(HiddenRoots) as caught:
        collect(filled)
    assert link in str(caught.value)
    assert note in (caught.value.hint or "")
    assert len(filled.all_valid_paths()) == 3
    assert find_roots(filled.layout) == [], "who only lists roots is told of the others"


def test_a_closed_folder_of_roots_is_told_with_its_owner(filled: LocalStore, closed: Closed) -> None:
    folder = f"{filled.layout.profiles_dir}/per-user/me"
    os.mkdir(folder)
    if os.geteuid() == 0:
        os.chown(folder, OTHER, OTHER)
    closed.folders.add(folder)
    with pytest.raises(HiddenRoots) as caught:
        collect(filled)
    assert folder in str(caught.value)
    owner = str(OTHER) if os.geteuid() == 0 else ""
    assert f"{owner} owns: Permission denied" in str(caught.value) or not owner
    assert f"remove `{folder}`" in (caught.value.hint or "")


def test_a_root_whose_folder_is_gone_is_removed(filled: LocalStore, tmp_path: Path) -> None:
    """As `nix-build --no-out-link` leaves it."""
    folder = tmp_path / "nix-build-1/deep"
    folder.mkdir(parents=True)
    link = str(folder / "result")
    os.symlink(one(filled, "a"), link)
    filled.add_indirect_root(link)
    os.unlink(link)
    folder.rmdir()
    folder.parent.rmdir()
    find_roots(filled.layout)
    assert os.path.islink(indirect_root_file(filled.layout, link)), "looking changes nothing"
    collect(filled)
    assert os.listdir(f"{filled.layout.gc_roots_dir}/auto") == []
    assert os.listdir(filled.layout.root_notes_dir) == []


def test_a_root_on_a_disk_that_is_away_is_not_stale(filled: LocalStore, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    link = str(disk / "home/result")
    with small_disk(disk):
        os.mkdir(disk / "home")
        os.symlink(one(filled, "a"), link)
        filled.add_indirect_root(link)
    collect(filled)
    assert os.path.islink(indirect_root_file(filled.layout, link))
