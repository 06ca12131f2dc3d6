"""Careless edits all over a store: each is found, nothing else is, and what has a source is mended.

`LARIX_TEST_ROUNDS=200` makes two hundred of them in two thousand items.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from builder.conftest import Workshop, busybox, layout, store, workshop
from larix.builder.repairing import repair
from larix.derivation import Lowered, text_source, tree_source
from larix.errors import LarixError
from larix.formats.nar import Directory, File, Symlink
from larix.formats.storepath import StorePath
from larix.store import LocalStore, open_local_store
from larix.store.verify import Verified, verify

pytestmark = pytest.mark.slow

__all__ = ["busybox", "layout", "store", "workshop"]

SEED = 20261129
ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "24"))
ITEMS = ROUNDS * 10
KEY = "made"


def tree(number: int) -> Directory:
    return Directory(
        {
            b"text": File(b"text %d\n" % number),
            b"folder": Directory({b"inner": File(b"%d" % number), b"empty": Directory({})}),
            b"program": File(b"#!/bin/sh\necho %d\n" % number, executable=True),
            b"link": Symlink(b"folder/inner"),
        }
    )


MAKE = (
    "mkdir -p $out/folder/empty; echo {0} > $out/text; echo in > $out/folder/inner;"
    " echo '#!/bin/sh' > $out/program; chmod +x $out/program; ln -s folder/inner $out/link"
)


def fill(workshop: Workshop, tmp_path: Path) -> tuple[set[StorePath], set[StorePath]]:
    """Items that were built, with all that they were built from; and what was merely added."""
    store = workshop.store
    built: list[Lowered] = [
        workshop.script(f"built-{each}", MAKE.format(each)) for each in range(ITEMS // 10)
    ]
    workshop.build(*built)
    sources = [tree_source(store.store_dir, f"tree-{each}", tree(each)) for each in range(ITEMS // 4)]
    sources += [text_source(store.store_dir, f"text-{each}", b"%d" % each) for each in range(ITEMS // 4)]
    store.instantiate([], sources)
    mendable = store.all_valid_paths() - {workshop.shell}
    folder = tmp_path / "added"
    number = 0
    while len(mendable) + number < ITEMS:
        folder.mkdir()
        for name in ("text", "more"):
            (folder / name).write_text(f"{name} {number}\n")
        (folder / "link").symlink_to("text")
        store.add_path(f"added-{number}", str(folder))
        shutil.rmtree(folder)
        number += 1
    return mendable, store.all_valid_paths() - mendable


def parts(path: StorePath, kind: int) -> list[str]:
    """The files, folders or links of an item."""
    found = [path]
    for folder, folders, files in os.walk(path):
        found += [f"{folder}/{name}" for name in (*folders, *files)]
    return sorted(each for each in found if stat.S_IFMT(os.lstat(each).st_mode) == kind)


def edit(chance: random.Random, path: StorePath) -> str:
    """Change something about an item, leaving all else as it was; its name."""
    files, folders = parts(path, stat.S_IFREG), parts(path, stat.S_IFDIR)
    links = parts(path, stat.S_IFLNK)
    edits: list[Callable[[], str]] = []

    def any_of(names: list[str]) -> str:
        return chance.choice(names)

    def kept(folder: str, action: Callable[[], object]) -> None:
        """As who edits a store may try to hide it: modes and times are those of before."""
        before = os.lstat(folder)
        os.chmod(folder, 0o755)
        action()
        os.chmod(folder, stat.S_IMODE(before.st_mode))
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))

    def flip_byte() -> str:
        name = any_of([each for each in files if os.path.getsize(each)])
        at = chance.randrange(os.path.getsize(name))
        with open(name, "rb") as file:
            contents = bytearray(file.read())
        contents[at] ^= 1 << chance.randrange(8)
        kept(name, lambda: Path(name).write_bytes(contents))
        return "a byte"

    def mode() -> str:
        name = any_of([*files, *folders])
        old = stat.S_IMODE(os.lstat(name).st_mode)
        os.chmod(name, old ^ chance.choice((0o200, 0o020, 0o004, 0o4000, 0o2000, 0o1000, 0o111)))
        return "a mode"

    def mtime() -> str:
        name = any_of([*files, *folders, *links])
        os.utime(name, (1, chance.choice((0, 2, 1_700_000_000))), follow_symlinks=False)
        return "a time"

    def owner() -> str:
        os.chown(any_of([*files, *folders, *links]), 1234, -1, follow_symlinks=False)
        return "an owner"

    def attribute() -> str:
        os.setxattr(any_of([*files, *folders]), "user.note", b"x")
        return "an attribute"

    def extra() -> str:
        name = any_of(folders)
        kept(name, lambda: Path(name, "extra").write_bytes(b""))
        return "a file too many"

    def missing() -> str:
        name = any_of(sorted({*files, *links} - {path}))
        kept(os.path.dirname(name), lambda: os.unlink(name))
        return "a file too few"

    def target() -> str:
        name = any_of(links)

        def again() -> None:
            os.unlink(name)
            os.symlink("elsewhere", name)
            os.utime(name, (1, 1), follow_symlinks=False)

        kept(os.path.dirname(name), again)
        return "a link's target"

    edits = [flip_byte, mode, mtime]
    if os.geteuid() == 0:
        edits.append(owner)
    if _knows_attributes(path):
        edits.append(attribute)
    if folders:
        edits += [extra, missing]
    if links:
        edits.append(target)
    return chance.choice(edits)()


def _knows_attributes(path: str) -> bool:
    if os.geteuid() != 0:
        return False
    try:
        os.setxattr(os.path.dirname(path), "user.probe", b"x")
        os.removexattr(os.path.dirname(path), "user.probe")
    except OSError:
        return False
    return True


def told(result: Verified) -> set[StorePath]:
    return {each.path for each in (*result.mismatches, *result.altered)}


def test_every_edit_is_found_and_mended(
    workshop: Workshop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[..., None],
) -> None:
    store = workshop.store
    mendable, lone = fill(workshop, tmp_path)
    assert verify(store, check_contents=True).is_sound
    chance = random.Random(SEED)
    edited = {}
    for path in chance.sample(sorted((mendable | lone) - {workshop.shell}), ROUNDS):
        edited[path] = edit(chance, path)
    result = verify(store, check_contents=True)
    found = told(result)
    assert found - edited.keys() == set()
    assert {path: edited[path] for path in edited.keys() - found} == {}
    assert not result.missing
    unmendable: dict[StorePath, LarixError] = {}
    with _Reading(sorted(edited)) as seen:
        mended = repair(store, sorted(found), give_up=unmendable.__setitem__)
    assert len(set(mended)) == len(mended)
    assert set(mended) | unmendable.keys() == found
    after = told(verify(store, check_contents=True))
    assert after == unmendable.keys()
    assert after <= lone, {path: str(unmendable[path]) for path in after - lone}
    assert seen.bad == []
    text = (
        f"{len(found)}/{ROUNDS} edits in {ITEMS} items found, 0 others; {len(mended)}/"
        f"{len(found) - len(unmendable)} mended, {len(unmendable)} with neither a build nor another source;"
        f" {seen.count} readings meanwhile, each of a whole file"
    )
    record_property("verify", text)
    with capsys.disabled():
        print(f"\n{text}")


class _Reading:
    """Somebody who reads all files of some items, again and again: each is there, old or new, and whole."""

    def __init__(self, items: list[StorePath]) -> None:
        self.bad: list[str] = []
        self.count = 0
        self._files = {
            each: {Path(each).read_bytes()} for item in items for each in parts(item, stat.S_IFREG)
        }
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        seen: dict[str, set[bytes]] = {name: set() for name in self._files}
        while not self._is_over.is_set():
            for name in self._files:
                try:
                    contents = Path(name).read_bytes()
                except FileNotFoundError:
                    if not name.endswith("/extra"):
                        self.bad.append(f"{name}: gone")
                    continue
                seen[name].add(contents)
                self.count += 1
        for name, before in self._files.items():
            others = seen[name] - before
            if len(others) > 1 or (others and others != {Path(name).read_bytes()}):
                self.bad.append(name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


def larix(store: LocalStore, *words: str) -> subprocess.CompletedProcess[str]:
    import sys

    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    environment |= {"LARIX_STORE_DIR": store.store_dir, "LARIX_STATE_DIRECTORY": store.layout.state_dir}
    environment |= {"LARIX_DAEMON_SOCKET": ""}
    return subprocess.run(
        [sys.executable, "-m", "larix.cli.main", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_tells_mends_and_says_so_by_its_code(workshop: Workshop) -> None:
    store = workshop.store
    thing = workshop.script("thing", "echo thing > $out")
    workshop.build(thing)
    out = thing.output_path()
    assert larix(store, "gc", "--verify=contents").returncode == 0
    os.chmod(out, 0o644)
    done = larix(store, "gc", "--verify=contents")
    assert done.returncode == 1
    assert f"path `{out}' was modified: mode 0644, not 0444\n" in done.stderr
    assert "hint: mend what can be mended with `larix gc --verify=contents,repair`" in done.stderr
    done = larix(store, "gc", "--verify=contents,repair")
    assert (done.returncode, done.stderr) == (0, f"repaired `{out}'\n")
    Path(out).chmod(0o644)
    Path(out).write_text("thing?\n")
    lone = store.add_text("lone", b"lone")
    store.journal.checkpoint()
    os.utime(lone, (5, 5))
    Path(lone).chmod(0o644)
    Path(lone).write_text("edited")
    done = larix(store, "gc", "--verify=contents,repair")
    assert done.returncode == 1
    assert f"repaired `{out}'\n" in done.stderr
    assert f"cannot repair `{lone}':" in done.stderr
    assert Path(out).read_text() == "thing\n"


def test_the_command_tells_of_a_damaged_database_and_makes_it_again(workshop: Workshop) -> None:
    layout = workshop.store.layout
    path = workshop.store.add_text("a", b"a")
    workshop.store.close()
    os.truncate(layout.database_file, 10_000)
    store = workshop.store
    done = larix(store, "gc", "--verify")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "damaged" in done.stderr
    assert "hint: make it again from what is in the store with `larix gc --rebuild-database`" in done.stderr
    done = larix(store, "gc", "--rebuild-database")
    assert done.returncode == 0
    assert done.stderr.startswith("2 items are registered again\n")
    assert larix(store, "gc", "--verify=contents").returncode == 0
    with open_local_store(layout) as opened:
        assert opened.is_valid(path)
