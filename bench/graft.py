"""How long a graft takes beside a plain copy: `bench/graft.py FOLDER [REFERENCES]`.

FOLDER is copied as a store item would be, each way five times in turn. REFERENCES hashes, 5 when not given,
are exchanged: the first ones are those that occur in it. Printed are medians: seconds of CPU of this process
and its children, and seconds on the clock.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src"))

from larix.buildside.graft import graft

DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"
RUNS = 5
NAME = re.compile(rb"/store/([0-9a-df-np-sv-z]{32})-([A-Za-z0-9+._?=-]+)")


def main(folder: str, count: int) -> None:
    names = [name.decode() for name in list(dict.fromkeys(_found(folder)))[:count]]
    real = len(names)
    names += [f"{DIGITS[n:]}{DIGITS[:n]}-absent-1.{n}" for n in range(count - real)]
    pairs = [(name, name[:32][::-1] + name[32:]) for name in names]
    size, files = 0, 0
    for place, _, inside in os.walk(folder):
        size += sum(os.lstat(os.path.join(place, name)).st_size for name in inside)
        files += len(inside)
    print(f"{size / 1e6:.0f} MB in {files} files, {real} of {count} references are in it")
    ways: dict[str, Callable[[str], object]] = {
        "cp -r": lambda new: subprocess.run(["cp", "-r", "--reflink=never", folder, new], check=True),
        "graft": lambda new: graft(folder, new, pairs),
    }
    seconds: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as scratch:
        for _ in range(RUNS):
            for way, work in ways.items():
                new = os.path.join(scratch, way.replace(" ", ""))
                before = _cpu(), time.perf_counter()
                work(new)
                seconds[way].append((_cpu() - before[0], time.perf_counter() - before[1]))
                shutil.rmtree(new)
    for way, each in seconds.items():
        cpu, wall = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"{way:6} {cpu:.3f} s of CPU, {wall:.3f} s")


def _found(folder: str) -> Iterator[bytes]:
    for place, _, inside in os.walk(folder):
        for name in sorted(inside):
            file = os.path.join(place, name)
            if not os.path.islink(file):
                with open(file, "rb") as stream:
                    yield from (each[1] + b"-" + each[2] for each in NAME.finditer(stream.read()))


def _cpu() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
