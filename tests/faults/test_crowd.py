"""Many clients build overlapping graphs, some leave in the middle, and collections run all the while.

`LARIX_TEST_ROUNDS=64` starts so many clients on a graph of three hundred derivations.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from faults.crowd import SHELL, graph
from larix.store import open_local_store
from larix.store.verify import verify

pytestmark = pytest.mark.slow

CLIENTS = int(os.environ.get("LARIX_TEST_ROUNDS", "6"))
SIZE = 300 if CLIENTS >= 64 else 30
ROOTS = 30 if CLIENTS >= 64 else 8
TESTS = Path(__file__).parents[1]


def test_a_crowd_builds_each_thing_once_while_garbage_is_collected(
    capsys: pytest.CaptureFixture[str], record_property: Callable[..., None]
) -> None:
    if not os.path.exists(SHELL):
        pytest.skip("no static shell (Debian: bash-static)")
    with running_daemon(settings="max-sessions-per-user = 512\n") as daemon:
        nodes = graph(daemon.layout.store_dir, SIZE)
        with daemon.store() as holder:
            holder.add_temp_root(*(node.output_path() for node in nodes), *(node.path for node in nodes))
            outcomes, built, collections = crowd(daemon)
            valid = holder.all_valid_paths()
            for node in nodes:
                assert node.output_path() in valid or node.output_path() not in built
        with open_local_store(daemon.layout) as store:
            found = verify(store, check_contents=True)
            assert found.is_sound
            assert not found.forgotten
        roots = list(daemon.folder.glob("root-*"))
        assert all(root.exists() for root in roots)
        assert "Traceback" not in daemon.log(), daemon.log()[-6000:]
    failed = [text for code, text in outcomes if code not in (0, -signal.SIGKILL)]
    assert failed == []
    left = sum(code != 0 for code, _ in outcomes)
    again = {drv: count for drv, count in built.items() if count > 1}
    assert again == {}
    text = (
        f"{CLIENTS} clients, {left} of them left: {len(built)} derivations built, each once,"
        f" {len(failed)} errors, {collections} collections, {len(roots)}/{len(roots)} roots whole"
    )
    record_property("crowd", text)
    with capsys.disabled():
        print(f"\n{text}")


def crowd(daemon: Daemon) -> tuple[list[tuple[int, str]], Counter[str], int]:
    """How each client ended and what it said last, how often each derivation was built, and collections."""
    is_over = threading.Event()
    collections = 0
    problems: list[BaseException] = []

    def collect() -> None:
        nonlocal collections
        try:
            with daemon.store() as store:
                while not is_over.is_set() or not collections:
                    store.collect(2)
                    collections += 1
        except BaseException as error:  # noqa: BLE001 - told by the test
            problems.append(error)

    collector = threading.Thread(target=collect)
    collector.start()
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent / 'src'}"}
    try:
        clients = [
            subprocess.Popen(
                [
                    *(sys.executable, str(TESTS / "faults/crowd.py"), daemon.socket),
                    *(daemon.layout.store_dir, str(daemon.folder), str(seed), str(SIZE), str(ROOTS)),
                ],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for seed in range(CLIENTS)
        ]
        said: list[tuple[str, str]] = [("", "")] * CLIENTS

        def listen(number: int) -> None:
            said[number] = clients[number].communicate()

        listeners = [threading.Thread(target=listen, args=(number,)) for number in range(CLIENTS)]
        for listener in listeners:
            listener.start()
        for listener in listeners:
            listener.join()
    finally:
        is_over.set()
        collector.join()
    assert problems == []
    built = Counter(line.split()[1] for out, _ in said for line in out.splitlines())
    outcomes = [(client.returncode, err) for client, (_, err) in zip(clients, said, strict=True)]
    return outcomes, built, collections
