"""Other users of the machine, and deaths at every step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from builder.conftest import SYSTEM, Workshop
from larix.builder import realise
from larix.derivation import derivation
from larix.formats.storepath import StorePath
from larix.protocol import BuildOptions, BuildTarget, Event
from larix.store import LocalStore, open_local_store
from larix.store.pipeline import hash_steps
from larix.store.tree import read_steps

NOBODY = 65534


def as_nobody(action: Callable[[], object]) -> str:
    """The name of what `action` raises when nobody does it; empty when it succeeds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        name = ""
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            action()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            name = type(error).__name__
        finally:
            os.write(writing, name.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        name = stream.read()
    os.waitpid(child, 0)
    return name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_nobody_else_reaches_a_running_build(workshop: Workshop) -> None:
    """Even if the builder opens everything it owns, and leaves programs to be run."""
    for folder in (Path(workshop.store.store_dir), *Path(workshop.store.store_dir).parents):
        if folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    text = """
    chmod 777 . .. 2>/dev/null || :
    mkdir $out; chmod 777 $out; cp $NIX_STORE/*-shell/bin/busybox $out/tool; chmod 777 $out/tool
    echo started; sleep 0.2
    """
    refusals: list[str] = []

    def sink(event: Event) -> None:
        if getattr(event, "line", b"") == b"started":
            builds = Path(workshop.store.layout.state_dir) / "builds"
            [name] = os.listdir(builds)
            places = [builds / name, builds / name / "scratch", builds / name / "store"]
            refusals.extend(as_nobody(partial(os.listdir, place)) for place in places)
            refusals.append(as_nobody(lambda: (builds / name / "scratch" / "new").write_text("x")))

    drv = workshop.script("open", text)
    workshop.store.instantiate([drv])
    realise(workshop.store, [BuildTarget(drv.path)], BuildOptions(), sink)
    assert refusals == ["PermissionError"] * 4
    assert os.stat(f"{drv.output_path()}/tool").st_mode & 0o7777 == 0o555


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 16))
def test_larix_killed_at_any_event_leaves_a_sound_store(workshop: Workshop, step: int) -> None:
    bottom = workshop.script("bottom", "echo one; echo bottom > $out")
    middle = [
        workshop.script(f"middle-{number}", f"cat {bottom.output_path()} > $out; echo two", inputs=[bottom])
        for number in range(3)
    ]
    top = workshop.script("top", "mkdir $out; echo top > $out/file; echo three", inputs=middle)
    workshop.store.instantiate([top])
    child = os.fork()
    if child == 0:
        _realise_and_die(workshop, BuildTarget(top.path), step)
    os.waitpid(child, 0)
    paths = [each.output_path() for each in (bottom, *middle, top)]
    assert_sound(workshop.store, paths)
    workshop.build(top, workshop.script("another", ": > $out"))
    assert workshop.store.valid_paths(paths) == set(paths)
    assert_sound(workshop.store, paths)
    assert os.listdir(f"{workshop.store.layout.state_dir}/builds") == []


def _realise_and_die(workshop: Workshop, target: BuildTarget, step: int) -> None:
    seen = 0

    def sink(_: Event) -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), 9)

    try:
        with open_local_store(workshop.store.layout) as store:
            realise(store, [target], BuildOptions(max_jobs=2), sink)
    finally:
        os._exit(0)


def assert_sound(store: LocalStore, paths: list[StorePath]) -> None:
    """What is valid is there, as its record says."""
    for path, info in store.path_infos(paths).items():
        assert hash_steps(read_steps(path))[0] == info.nar_hash.digest


def test_figure_2_of_the_paper(store: LocalStore) -> None:
    """The first example of a derivation: a static shell, interned, that writes a file."""
    bash = shutil.which("bash-static")
    if bash is None:
        pytest.skip("no static bash (Debian: bash-static)")
    shell = store.add_path("static-bash", bash)
    drv = derivation(
        "example-1.0",
        store_dir=store.store_dir,
        system=SYSTEM,
        builder=shell,
        args=["-c", 'echo hello > "$out"'],
        env={"HOME": "/homeless"},
        sources=[shell],
    )
    store.instantiate([drv])
    [result] = realise(store, [BuildTarget(drv.path)])
    assert Path(result.outputs["out"]).read_text() == "hello\n"
    assert store.references(drv.path) == {shell}
