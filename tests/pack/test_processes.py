from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

# In a process of its own: those of the tests have threads, and so no processes are made there.
PROGRAM = """
import pathlib
import sys
from larix.pack.compression import method
from larix.pack.stream import Stream, Workers
how = method("gzip")._replace(block=50_000)
data = pathlib.Path(sys.argv[1]).read_bytes()
with open(sys.argv[2], "wb") as sink, Workers(int(sys.argv[3]), how) as workers:
    assert workers._processes is not None
    stream = Stream(sink.fileno(), how, workers)
    stream.write(data)
    stream.close()
"""


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "src")},
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_processes_write_what_threads_write(tmp_path: Path, count: int) -> None:
    data = os.urandom(300_000) + b"purely functional " * 50_000
    (tmp_path / "data").write_bytes(data)
    done = run(PROGRAM, str(tmp_path / "data"), str(tmp_path / "packed"), str(count))
    assert (done.returncode, done.stderr) == (0, "")
    packed = (tmp_path / "packed").read_bytes()
    assert gzip.decompress(packed) == data
    in_threads = run(
        PROGRAM.replace("Workers(int(sys.argv[3]), how)", "Workers(2)").replace("is not None", "is None"),
        str(tmp_path / "data"),
        str(tmp_path / "other"),
    )
    assert (in_threads.returncode, in_threads.stderr) == (0, "")
    assert (tmp_path / "other").read_bytes() == packed


ENDED = """
import os, signal
from larix.pack.errors import BadPack
from larix.pack.processes import Processes
processes = Processes(bytes, 100, 1)
assert processes.compress(memoryview(b"abc")) == b"abc"
os.kill(processes._all[0].pid, signal.SIGKILL)
try:
    while True:
        processes.compress(memoryview(b"abc"))
except BadPack as error:
    print(error.message)
processes.close()
"""


@pytest.mark.slow
def test_a_process_that_is_killed_is_noticed() -> None:
    done = run(ENDED)
    assert (done.stdout, done.stderr) == ("a process that was compressing has ended\n", "")


MANY = """
from concurrent.futures import ThreadPoolExecutor
from larix.pack.processes import Processes
processes = Processes(lambda data: bytes(data).upper(), 100, 2)
with ThreadPoolExecutor(8) as pool:
    words = [b"word-%d" % number for number in range(500)]
    assert list(pool.map(processes.compress, map(memoryview, words))) == [word.upper() for word in words]
processes.close()
"""


@pytest.mark.slow
def test_more_threads_than_processes_wait_for_each_other() -> None:
    done = run(MANY)
    assert (done.returncode, done.stderr) == (0, "")
