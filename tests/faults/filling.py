"""Works on a small file system of its own that gets full in the middle of it; run by `test_full_disk.py`.

    python filling.py FOLDER SHELL OPERATION ROUNDS

in a mount name space of its own. Each round leaves room for a random part of what the operation needs, of
bytes or of inodes, runs it, and looks at the store; then a collection runs on the same full disk, and with
more room the operation again.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cli.conftest import Larix, add_packages
from faults.exports import chained_export
from larix.derivation import tree_source
from larix.formats.nar import Directory, File
from larix.formats.storepath import StorePath
from larix.store import open_local_store
from larix.store.verify import verify

SEED = 20261129
AMPLE = 256 << 20, 50_000
REMOUNT, PRIVATE = 0x20, 0x44000
LIBC = ctypes.CDLL(None, use_errno=True)

CHILD = """
import os, sys
from larix.errors import LarixError
from larix.store import Layout, open_local_store
def act(store):
{script}
try:
    with open_local_store(Layout.from_environment()) as store:
        act(store)
except LarixError as error:
    sys.exit(f"larix: error: {{error}}")
"""


class Room(NamedTuple):
    size: int
    inodes: int


class Disk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._mount(0, Room(*AMPLE))

    def _mount(self, flags: int, room: Room) -> None:
        options = f"size={room.size},nr_inodes={room.inodes},mode=0755".encode()
        if LIBC.mount(b"tmpfs", os.fsencode(self.folder), b"tmpfs", ctypes.c_ulong(flags), options):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def limit(self, room: Room) -> None:
        self._mount(REMOUNT, room)

    def used(self) -> Room:
        status = os.statvfs(self.folder)
        return Room((status.f_blocks - status.f_bfree) * status.f_frsize, status.f_files - status.f_ffree)


def program(script: str) -> list[str]:
    return [sys.executable, "-c", CHILD.format(script=script)]


def tree(number: int) -> Directory:
    files = {b"%d" % each: File(b"%d %d" % (each, number) * 700) for each in range(60)}
    return Directory({**files, b"large": File(b"%8d" % number * 150_000)})


def write(tree: Directory, folder: Path) -> None:
    folder.mkdir()
    for name, entry in tree.entries.items():
        assert isinstance(entry, File)
        (folder / os.fsdecode(name)).write_bytes(entry.contents)


def prepare_add(larix: Larix, number: int) -> list[str]:
    write(tree(number), larix.folder / f"tree-{number}")
    return program(f"""\
    path = store.add_path("tree", "tree-{number}")
    for each in range(20):
        store.add_text(f"text-{{each}}-{number}", path.encode() * 300, [path])
""")


def prepare_import(larix: Larix, number: int) -> list[str]:
    export = chained_export(larix.layout.store_dir, tree(number), number)
    (larix.folder / "export").write_bytes(export)
    return program("""\
    from larix.daemon.importing import import_stream
    with open("export", "rb") as file:
        import_stream(store, iter(lambda: file.read(1 << 15), b""), authorised=None)
""")


def package(name: str, number: int) -> str:
    script = (
        f"mkdir -p $out/bin; for i in 1 2 3 4 5 6 7 8 9; do head -c 200000 /dev/zero > $out/$i;"
        f" echo {number} $i >> $out/$i; done; echo '#!/bin/sh' > $out/bin/{name}; chmod +x $out/bin/{name}"
    )
    return f"beta.inherit(name='{name}', arguments={{'script': {script!r}}})"


def prepare_build(larix: Larix, number: int) -> list[str]:
    return larix.command("build", "-e", package(f"built{number}", number))


def prepare_install(larix: Larix, number: int) -> list[str]:
    return larix.command("package", "-e", package(f"installed{number}", number), "-p", "./p")


def prepare_optimisation(larix: Larix, number: int) -> list[str]:
    with open_local_store(larix.layout) as store:
        for each in range(4):
            store.instantiate([], [tree_source(store.store_dir, f"same-{each}-{number}", tree(number))])
    return larix.command("gc", "--optimize")


OPERATIONS: dict[str, Callable[[Larix, int], list[str]]] = {
    "add": prepare_add,
    "build": prepare_build,
    "import": prepare_import,
    "install": prepare_install,
    "optimise": prepare_optimisation,
}


def run(larix: Larix, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=larix.folder, env=larix.environment, capture_output=True, text=True, check=False
    )


def look(larix: Larix) -> set[StorePath]:
    """What is valid, having seen that all of it is whole."""
    with open_local_store(larix.layout) as store:
        found = verify(store, check_contents=True)
        assert found.is_sound, found
        assert not found.forgotten
        return store.all_valid_paths()


def main(folder: Path, shell: Path, name: str, rounds: int) -> dict[str, int]:
    os.chdir(folder)
    assert LIBC.unshare(0x20000) == 0
    assert LIBC.mount(b"none", b"/", None, ctypes.c_ulong(PRIVATE), None) == 0
    disk = Disk(folder / "disk")
    larix = add_packages(Larix(folder, folder / "disk/store", folder / "disk/var"), shell)
    larix.environment["LARIX_DAEMON_SOCKET"] = ""
    prepare = OPERATIONS[name]
    with open_local_store(larix.layout) as store:
        kept = store.add_text("kept", b"kept" * 1000)
        store.add_permanent_root(kept, str(folder / "kept"))
    first = run(larix, prepare(larix, 0))
    assert first.returncode == 0, first.stderr
    assert run(larix, larix.command("gc")).returncode == 0
    command = prepare(larix, 1)
    before = disk.used()
    assert run(larix, command).returncode == 0
    after = disk.used()
    needed = Room(max(after.size - before.size, 200_000), max(after.inodes - before.inodes, 10))
    chance = random.Random(f"{SEED} {name}")
    refused = done = 0
    for number in range(2, rounds + 2):
        assert run(larix, larix.command("gc")).returncode == 0
        command = prepare(larix, number)
        look(larix)
        used = disk.used()
        is_of_inodes = chance.random() < 0.3
        room = (
            Room(AMPLE[0], used.inodes + chance.randint(0, needed.inodes))
            if is_of_inodes
            else Room(used.size + chance.randint(0, needed.size), AMPLE[1])
        )
        disk.limit(room)
        attempt = run(larix, command)
        told = f"{name}: round {number}, {room} of {used}, {needed} needed\n{attempt.stderr}"
        if attempt.returncode:
            refused += 1
            last = attempt.stderr.strip()
            assert attempt.returncode in (1, 100), told
            assert "error: " in last, told
            assert "Traceback" not in last, told
            assert "bug" not in last, told
            assert "o space left" in last, told
        else:
            done += 1
        collected = run(larix, larix.command("gc"))
        assert collected.returncode == 0, told + collected.stderr
        disk.limit(Room(*AMPLE))
        with_all = look(larix)
        assert kept in with_all, told
        if name == "install":
            json.loads((folder / "p/manifest").read_bytes())
        again = run(larix, command)
        assert again.returncode == 0, told + again.stderr
        look(larix)
    return {"refused": refused, "done": done}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
