"""One client of a crowd; run by `test_crowd.py`.

    python crowd.py SOCKET STORE FOLDER SEED SIZE ROOTS

builds a few derivations of a graph that all clients share, says what it built, and leaves in the middle if
its seed says so. What it asked for, and garbage of its own, must be there and whole as long as it wants it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.derivation import Lowered, derivation
from larix.derivation.source import FileContent, Source
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.protocol import BuildFinished, BuildOptions, BuildTarget, Event

SHELL = "/bin/bash-static"
LEFT = 7  # exit code of who leaves


def graph(store_dir: StoreDir, size: int) -> list[Lowered]:
    """The same for everybody: each node uses a few of the twenty before it."""
    contents = Path(SHELL).read_bytes()
    path = make_fixed_path(
        store_dir, "sh", hash_bytes(encode_tree(File(contents, executable=True))), recursive=True
    )
    shell = Source(path, (), FileContent(SHELL))
    chance = random.Random(1)
    nodes: list[Lowered] = []
    for number in range(size):
        below = chance.sample(nodes[-20:], min(len(nodes), chance.randrange(4)))
        names = " ".join(each.output_path() for each in below)
        script = f'for each in {names or "$0"}; do read -r word < $each; done; echo "{number} {names}" > $out'
        nodes.append(
            derivation(
                f"node-{number}",
                store_dir=store_dir,
                system="x86_64-linux",
                builder=path,
                args=["-c", script],
                sources=[shell],
                inputs=[(each, ("out",)) for each in below],
            )
        )
    return nodes


def watcher(leaves_at: int) -> Callable[[Event], None]:
    """Tells what was built, and ends this process, without a word, at the event of that number."""
    count = 0

    def sink(event: Event) -> None:
        nonlocal count
        if isinstance(event, BuildFinished):
            os.write(1, f"built {event.drv}\n".encode())
        count += 1
        if count == leaves_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return sink


def main(socket: str, store_dir: StoreDir, folder: str, seed: int, size: int, roots: int) -> None:
    chance = random.Random(seed)
    nodes = graph(store_dir, size)
    leaves_at = chance.randint(1, size // 3) if chance.random() < 0.25 else 0
    with DaemonStore(Connection(connect(socket), store_dir)) as store:
        store.set_options(BuildOptions(max_jobs=1))
        for attempt in range(3):
            wanted = chance.sample(nodes, roots)
            scrap = store.add_text(f"scrap-{seed}-{attempt}", b"%d" % seed * 1000)
            store.instantiate(wanted)
            store.realise(
                [BuildTarget(each.path) for each in wanted], BuildOptions(max_jobs=1), watcher(leaves_at)
            )
            for each in wanted:
                number = each.output_path().rpartition("-")[2]
                text = Path(each.output_path()).read_text(encoding="utf-8")
                assert text.startswith(f"{number} "), text
            assert Path(scrap).read_bytes() == b"%d" % seed * 1000
            assert store.is_valid(scrap)
            root = f"{folder}/root-{seed}-{attempt}"
            store.add_permanent_root(wanted[0].output_path(), root)


if __name__ == "__main__":
    main(sys.argv[1], StoreDir(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:7]))
