"""`kill -9` at fifty random points of a transaction: the profile is the old or the new one, and works.

A point is the moment before something that has an effect: the N-th file opened for writing, renaming, call of
the database, process, message to the builder, ... of the killed process. So nothing depends on how fast the
machine is, and the same seed hits the same points. Each transaction builds a package that is not there yet.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import time

import pytest

from larix.profiles import generation

pytestmark = pytest.mark.slow

SEED = 20261129
LATE = 4
POINTS = 50

# Put where Python looks for it when it starts: counts effects, and ends the process before one of them.
HOOK = """
import os, sys

LAST = int(os.environ["KILL_BEFORE"])
COUNTED = ("os.", "sqlite3.", "socket.", "subprocess.", "fcntl.", "shutil.")
QUIET = ("os.listdir", "os.scandir", "os.putenv", "os.unsetenv", "os.fwalk", "os.walk")
PROCESS = os.getpid()
count = 0


def watch(event, arguments):
    global count
    if event == "open":
        is_effect = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    else:
        is_effect = event.startswith(COUNTED) and event not in QUIET
    if is_effect and os.getpid() == PROCESS:
        count += 1
        if count == LAST:
            os.kill(PROCESS, 9)


sys.addaudithook(watch)

if LAST == 0:
    import atexit

    atexit.register(lambda: print(count, file=open(os.environ["KILL_COUNT"], "w")))
"""


@pytest.fixture
def killable(builder):
    (builder.folder / "hook").mkdir()
    (builder.folder / "hook" / "sitecustomize.py").write_text(HOOK)
    builder.succeed("package", "-i", "alpha", "-p", "./p")
    return builder


def install(larix, name, before, **variables):
    """Install a new package, and be killed before the effect of that number."""
    environment = larix.environment | variables | {"KILL_BEFORE": str(before)}
    environment["PYTHONPATH"] = f"{larix.folder / 'hook'}:{environment['PYTHONPATH']}"
    command = larix.command("package", "-e", f"beta.inherit(name='{name}')", "-p", "./p")
    return subprocess.run(
        command, cwd=larix.folder, env=environment, capture_output=True, text=True, check=False
    )


def state(larix, new):
    """What the profile holds, having seen that it works: every program of it runs."""
    profile = larix.folder / "p"
    with open(profile / "manifest", "rb") as file:
        held = [each["name"] for each in json.load(file)["packages"]]
    assert held in (["alpha"], ["alpha", new])
    assert sorted(os.listdir(profile / "bin")) == sorted(["alpha", *(["beta"] if new in held else [])])
    for program in os.listdir(profile / "bin"):
        done = subprocess.run([profile / "bin" / program], capture_output=True, text=True, check=True)
        assert done.stdout == f"{program} 1.0\n"
    return held


def test_killed_at_fifty_points_the_profile_is_the_old_or_the_new_one(killable, capsys, record_property):
    counted = killable.folder / "count"
    whole = install(killable, "whole", 0, KILL_COUNT=str(counted))
    assert whole.returncode == 0, whole.stderr
    effects = int(counted.read_text())
    generation.switch_to(str(killable.folder / "p"), 1)
    # Few effects come after the switch, and what a kill left makes some more for the next to tidy up.
    late = range(effects - LATE, effects + 2 * LATE)
    early = random.Random(SEED).sample(range(1, effects - LATE), POINTS - len(late))
    points = sorted([*early, *late])
    seconds, outcomes = [], {"old": 0, "new": 0, "whole": 0}
    for number, point in enumerate(points):
        name = f"killed{number}"
        done = install(killable, name, point)
        assert done.returncode in (-signal.SIGKILL, 0), done.stderr
        start = time.perf_counter()
        held = state(killable, name)
        seconds.append(time.perf_counter() - start)
        if done.returncode == 0:
            outcomes["whole"] += 1
        else:
            outcomes["new" if name in held else "old"] += 1
        generation.switch_to(str(killable.folder / "p"), 1)
    assert outcomes["old"]
    assert outcomes["new"]
    assert killable("gc", "--verify=contents").returncode == 0
    last = killable("package", "-i", "gamma", "-p", "./p")
    assert last.returncode == 0, last.stderr
    assert killable.succeed("package", "-p", "./p", "-I").split("\n")[1].startswith("gamma")
    told = (
        f"{len(seconds)}/{POINTS} points of {effects} effects: {outcomes['old']} old, {outcomes['new']} new;"
        f" seen to work {statistics.median(seconds):.4f} s after the kill, {max(seconds):.4f} s at most"
    )
    record_property("kills", told)
    with capsys.disabled():
        print(f"\n{told}")
