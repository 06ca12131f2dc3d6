from __future__ import annotations

import os
import subprocess
import sys

import pytest

from larix.formats.storepath import StoreDir, StorePath
from larix.profiles import generation
from larix.profiles.front import Direct, Fronts

HASH = "0" * 32


@pytest.fixture
def world(tmp_path):
    """A store under its own name, and the same files under the name the host knows: two mounts in one."""
    root = tmp_path / "data"
    store = root / "store"
    hello = store / f"{HASH}-hello"
    (hello / "bin").mkdir(parents=True)
    program = hello / "bin" / "hello"
    program.write_text('#!/bin/sh\necho hello "$@"\n')
    program.chmod(0o755)
    (hello / "bin" / "README").write_text("not a program")
    (hello / "share").mkdir()
    (hello / "share" / "text").write_text("shared")
    profile = store / f"{HASH}-profile"
    (profile / "etc").mkdir(parents=True)
    (profile / "bin").symlink_to(hello / "bin")
    (profile / "share").symlink_to(hello / "share")
    (profile / "manifest").write_text("{}")
    (profile / "etc" / "profile").write_text(f'export PATH="${{LARIX_PROFILE:-{profile}}}/bin:$PATH"\n')
    fronts = Fronts(StoreDir(str(store)), str(root), str(root), ("/bin/sh", "-c", 'exec "$0" "$@"'))
    return fronts, StorePath(str(profile)), str(tmp_path / "p")


def install(fronts, item, profile, number, roots):
    generation.add_generation(profile, item, number, facade=fronts, protect=roots.append)
    generation.switch_to(profile, number)


def test_programs_of_a_front_run_with_their_arguments(world):
    fronts, item, profile = world
    install(fronts, item, profile, 1, [])
    done = subprocess.run([f"{profile}/bin/hello", "a b", "$c"], capture_output=True, text=True, check=True)
    assert done.stdout == "hello a b $c\n"


def test_launcher_enters_when_the_store_is_not_visible(world, tmp_path):
    """The program's file is absent, so the launcher must go through the command that enters the namespace."""
    fronts, item, profile = world
    enter = (sys.executable, "-c", "import sys; print(sys.argv[1:])", "it's")
    fronts = fronts._replace(enter=enter)
    install(fronts, item, profile, 1, [])
    os.rename(item, f"{item}-away")
    os.rename(fronts.store_dir, f"{fronts.store_dir}-away")
    done = subprocess.run([f"{profile}/bin/hello", "x y"], capture_output=True, text=True, check=True)
    assert done.stdout == f"[\"it's\", '{item}/bin/hello', 'x y']\n"


def test_front_shows_the_files_of_the_profile(world):
    fronts, item, profile = world
    install(fronts, item, profile, 1, [])
    with open(f"{profile}/share/text") as file:
        assert file.read() == "shared"
    with open(f"{profile}/bin/README") as file:
        assert file.read() == "not a program"
    assert not os.access(f"{profile}/bin/README", os.X_OK)
    with open(f"{profile}/etc/profile") as file:
        assert file.read() == f'export PATH="${{LARIX_PROFILE:-{os.path.realpath(profile)}}}/bin:$PATH"\n'


def test_store_item_is_found_through_the_front_and_is_a_root(world):
    fronts, item, profile = world
    roots = []
    install(fronts, item, profile, 1, roots)
    target = generation.current_target(profile)
    assert target is not None
    assert fronts.item_of(target) == item
    assert [os.readlink(root) for root in roots] == [item]
    assert fronts.item_of("/elsewhere") is None
    assert fronts.item_of(item) == item


def test_sweep_keeps_a_front_while_one_of_its_generations_is_left(world):
    fronts, item, profile = world
    install(fronts, item, profile, 1, [])
    install(fronts, item, profile + "2", 1, [])
    generation.replace_link("/elsewhere", f"{profile}-1-link")
    fronts.sweep()
    assert os.path.exists(f"{profile}2/bin/hello")
    os.unlink(f"{profile}2-1-link")
    fronts.sweep()
    assert [name for name in os.listdir(fronts.folder) if name != ".lock"] == []


def test_a_root_is_there_for_the_sake_of_generations(world):
    fronts, item, profile = world
    roots = []
    install(fronts, item, profile, 1, roots)
    install(fronts, item, profile + "2", 1, roots)
    assert fronts.links_of(roots[0]) == [f"{profile}-1-link", f"{profile}2-1-link"]
    os.unlink(f"{profile}-1-link")
    assert fronts.links_of(roots[0]) == [f"{profile}2-1-link"]
    os.unlink(f"{profile}2-1-link")
    assert fronts.links_of(roots[0]) == [roots[0]]
    assert fronts.links_of("/elsewhere/store-item") == ["/elsewhere/store-item"]


def test_sweep_removes_what_a_killed_process_left(world):
    fronts, item, profile = world
    install(fronts, item, profile, 1, [])
    os.makedirs(f"{fronts.folder}/.tmp-x/bin")
    fronts.sweep()
    assert sorted(os.listdir(fronts.folder)) == [".lock", os.path.basename(item)]


def test_sweep_keeps_a_front_whose_generation_cannot_be_looked_at(world, tmp_path):
    """A link behind a directory that answers with an error other than absence may still be there."""
    fronts, item, _ = world
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with fronts.presenting(item, f"{loop}/p-1-link", lambda _link: None) as target:
        pass
    fronts.sweep()
    assert os.path.isdir(target)


def test_direct_links_are_their_own_roots(tmp_path):
    facade = Direct(StoreDir("/store"))
    roots = []
    with facade.presenting(StorePath(f"/store/{HASH}-profile"), "/p-1-link", roots.append) as target:
        assert roots == []
    assert roots == ["/p-1-link"]
    assert facade.item_of(target) == target
    assert facade.item_of("/other/x") is None
