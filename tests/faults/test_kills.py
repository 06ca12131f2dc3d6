"""SIGKILL of daemon, client or both at random points of what writes: nothing is lost, nothing stays.

`LARIX_TEST_ROUNDS=200` takes so many points of each operation.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from cli.conftest import builder
from faults.exports import chained_export
from faults.killing import (
    CLIENT,
    DAEMON,
    Orders,
    Scene,
    check,
    client_program,
    collect_all,
    look,
    points,
    scene,
)
from larix.derivation import tree_source
from larix.formats.nar import Directory, File, Symlink

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "3"))

__all__ = ["builder"]


@pytest.fixture
def killable(builder) -> Iterator[Scene]:
    if os.geteuid() != 0:
        pytest.skip("only root has a daemon with build users")
    with scene(builder) as made:
        yield made


class Operation(NamedTuple):
    """`prepare` makes what attempt number N works on, and gives the command; `check` looks at the result."""

    prepare: Callable[[Scene, int], list[str]]
    is_done: Callable[[Scene, int], bool]


def tree(number: int) -> Directory:
    files = {b"%d" % each: File(b"%d of %d\n" % (each, number) * 50) for each in range(12)}
    return Directory(
        {
            **files,
            b"bin": Directory({b"run": File(b"#!/bin/sh\n%d\n" % number, executable=True)}),
            b"link": Symlink(b"bin/run"),
            b"large": File(bytes([number % 256]) * 300_000),
        }
    )


def write(tree: Directory, folder: str) -> None:
    os.mkdir(folder)
    for name, entry in tree.entries.items():
        file = f"{folder}/{name.decode()}"
        if isinstance(entry, Directory):
            write(entry, file)
        elif isinstance(entry, Symlink):
            os.symlink(entry.target, file)
        else:
            with open(file, "xb") as stream:
                stream.write(entry.contents)


def has(scene: Scene, name: str, count: int = 1) -> bool:
    with scene.store() as store:
        return sum(path.endswith(f"-{name}") for path in store.all_valid_paths()) == count


def prepare_add(scene: Scene, number: int) -> list[str]:
    write(tree(number), f"{scene.folder}/tree-{number}")
    script = f"""\
    path = store.add_path("tree-{number}", "tree-{number}")
    for each in range(3):
        store.add_text(f"text-{{each}}-{number}", path.encode(), [path])
"""
    return client_program(script)


def prepare_import(scene: Scene, number: int) -> list[str]:
    export = chained_export(scene.layout.store_dir, tree(number), number)
    (scene.folder / "export").write_bytes(export)
    script = """\
    with open("export", "rb") as file:
        store._call("import_paths", body=iter(lambda: file.read(1 << 15), b""))
"""
    return client_program(script, version=0x122)  # as Nix does, whose exports nobody signs


def package(name: str, **fields: str) -> str:
    given = "".join(f", {field}={value}" for field, value in fields.items())
    return f"beta.inherit(name='{name}'{given})"


def prepare_build(scene: Scene, number: int) -> list[str]:
    script = f"echo {number}; mkdir $out; (sleep 0; echo x > $out/a) & wait; echo > $out/b"
    below = package(f"below{number}", arguments=repr({"script": script}))
    above = package(
        f"built{number}",
        inputs=f"lambda: [{below}]",
        arguments=repr({"script": script}),
    )
    return scene.larix.command("build", "-e", above)


def prepare_install(scene: Scene, number: int) -> list[str]:
    if not os.path.lexists(f"{scene.folder}/p"):
        scene.larix.succeed("package", "-i", "alpha", "-p", "./p")
    return scene.larix.command("package", "-e", package(f"installed{number}"), "-p", "./p")


def prepare_collection(scene: Scene, number: int) -> list[str]:
    with scene.store() as store:
        for each in range(4):
            source = tree_source(store.store_dir, f"kept-{each}", tree(each))
            store.instantiate([], [source])
            store.add_permanent_root(source.path, f"{scene.folder}/root-{each}")
        for each in range(8):
            source = tree_source(store.store_dir, f"garbage-{number}", tree(1000 * number + each))
            store.instantiate([], [source])
            store.add_text(f"garbage-{number}", source.path.encode(), [source.path])
    return scene.larix.command("gc")


def prepare_optimisation(scene: Scene, number: int) -> list[str]:
    with scene.store() as store:
        for each in range(4):
            source = tree_source(store.store_dir, f"same-{each}-{number}", tree(number))
            store.instantiate([], [source])
    return scene.larix.command("gc", "--optimize")


def is_installed(scene: Scene, number: int) -> bool:
    """Whether the profile is the new one; it is that or the old one, and works."""
    profile = scene.folder / "p"
    manifest = json.loads((profile / "manifest").read_bytes())
    held = {each["name"] for each in manifest["packages"]}
    new = f"installed{number}"
    others = {"alpha", *(f"installed{each}" for each in range(number))}
    assert held - {new} <= others
    assert "alpha" in held
    for name in os.listdir(profile / "bin"):
        assert subprocess.check_output([profile / "bin" / name], text=True).endswith(" 1.0\n")
    assert set(os.listdir(profile / "bin")) == {"alpha", *(["beta"] if held - {"alpha"} else [])}
    return new in held


def is_collected(scene: Scene, number: int) -> bool:
    return has(scene, f"garbage-{number}", 0)


def is_shared(scene: Scene, number: int) -> bool:
    with scene.store() as store:
        same = [path for path in store.all_valid_paths() if "-same-" in path and path.endswith(f"-{number}")]
        large = {os.stat(f"{path}/large").st_ino for path in same}
    return len(large) == 1


OPERATIONS = {
    "add": Operation(prepare_add, lambda scene, number: has(scene, f"text-2-{number}")),
    "import": Operation(prepare_import, lambda scene, number: has(scene, f"imported-2-{number}")),
    "build": Operation(prepare_build, lambda scene, number: has(scene, f"built{number}-1.0")),
    "install": Operation(prepare_install, is_installed),
    "gc": Operation(prepare_collection, is_collected),
    "optimise": Operation(prepare_optimisation, is_shared),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_kills_lose_nothing_and_leave_nothing(
    killable: Scene, name: str, capsys: pytest.CaptureFixture[str], record_property: Callable[..., None]
) -> None:
    operation = OPERATIONS[name]
    killable.start()
    command = operation.prepare(killable, 0)
    killable.order(Orders())
    whole = killable.run(command)
    assert whole.returncode == 0, whole.stderr
    effects = killable.counts()
    restarts, ends, struck, undone = [], [], 0, 0
    for number, orders in enumerate(points(name, ROUNDS, effects), 1):
        told = f"{name}: point {number}, {orders}"
        killable.start()
        killable.order(Orders())
        command = operation.prepare(killable, number)
        before = look(killable)
        killable.order(orders)
        done = killable.run(command)
        daemon = killable.daemon
        assert daemon is not None
        if CLIENT not in orders.victims and done.returncode:
            assert "Traceback" not in done.stderr, f"{told}\n{done.stderr}"
        ends.append(killable.settle())
        if DAEMON in orders.victims and killable.was_struck(orders):
            daemon.process.wait()
        struck += done.returncode == -signal.SIGKILL or daemon.process.poll() is not None
        killable.order(Orders())
        begin = time.monotonic()
        killable.start()
        with daemon_store(killable) as store:
            store.all_valid_paths()
        restarts.append(time.monotonic() - begin)
        try:
            check(killable, before, is_collecting=name == "gc")
            undone += not operation.is_done(killable, number)
            again = killable.run(command)
            assert again.returncode == 0, again.stderr
            assert operation.is_done(killable, number)
            collect_all(killable)
            killable.settle()
            check(killable, before, is_collecting=True)
            assert killable.leftovers() == []
        except AssertionError as error:
            raise AssertionError(f"{told}\n{done.stderr}") from error
    text = (
        f"{name}: {len(restarts)}/{ROUNDS} points of {effects[0]} effects of the client and {effects[1]} of"
        f" its session ({struck} struck, {undone} undone);"
        f" processes gone after {max(ends):.2f} s at most, daemon usable after"
        f" {statistics.median(restarts):.2f} s, {max(restarts):.2f} s at most"
    )
    record_property("kills", text)
    with capsys.disabled():
        print(f"\n{text}")


def daemon_store(scene: Scene):
    assert scene.daemon is not None
    return scene.daemon.store()
