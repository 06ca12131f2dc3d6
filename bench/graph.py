"""The synthetic graph of rows A, as larix lowers and instantiates it; `graph.nix` is its twin.

graph.py COUNT SOURCES          instantiate, in the store or by the daemon of the environment; print the last
graph.py --names COUNT SOURCES  print every name, touch no store
"""

import hashlib
import os
import sys

from larix.derivation import FileContent, Lowered, Source, derivation
from larix.formats.hashes import Hash
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.protocol import Store

SHELL = "/bin/sh"
VARIABLES = 24


def dependencies(i: int) -> list[int]:
    """Two or three earlier nodes, pseudo-random, without duplicates and in the order found."""
    found = [
        (((i * 1103515245 + 12345 + k * 7919 * 65536) & 0x7FFFFFFF) >> 16) % i
        for k in range(2 + i % 2 if i else 0)
    ]
    return list(dict.fromkeys(found))


def read_sources(store_dir: StoreDir, folder: str) -> list[Source]:
    sources: list[Source] = []
    for j in range(50):
        file = f"{folder}/{j}"
        with open(file, "rb") as stream:
            digest = hashlib.sha256(encode_tree(File(stream.read(), executable=False))).digest()
        path = make_fixed_path(store_dir, f"source-{j}", Hash("sha256", digest), recursive=True)
        sources.append(Source(path, (), FileContent(file)))
    return sources


def lower_graph(store_dir: StoreDir, count: int, folder: str) -> list[Lowered]:
    sources = read_sources(store_dir, folder)
    nodes: list[Lowered] = []
    for i in range(count):
        wanted = dependencies(i)
        source = sources[i % 50]
        env = {f"variable{v}": f"some text of about fifty characters, {i} and {v}" for v in range(VARIABLES)}
        env |= {
            "name": f"node-{i}",
            "system": "x86_64-linux",
            "builder": SHELL,
            "inputs": " ".join(nodes[d].output_path() for d in wanted),
            "src": source.path,
        }
        nodes.append(
            derivation(
                f"node-{i}",
                store_dir=store_dir,
                system="x86_64-linux",
                builder=SHELL,
                args=("-e", source.path),
                env=env,
                inputs=[(nodes[d], ("out",)) for d in wanted],
                sources=(source,),
            )
        )
    return nodes


def open_store() -> Store:
    from larix.store.layout import Layout

    layout = Layout.from_environment()
    address = os.environ.get("LARIX_DAEMON_SOCKET")
    if address:
        from larix.client.connection import Connection
        from larix.client.store import DaemonStore
        from larix.client.transport import connect

        return DaemonStore(Connection(connect(address), layout.store_dir))
    from larix.store.opening import open_local_store

    return open_local_store(layout)


def main(arguments: list[str]) -> None:
    if arguments[0] == "--names":
        store_dir = StoreDir(arguments[3])
        print(*(node.path for node in lower_graph(store_dir, int(arguments[1]), arguments[2])), sep="\n")
        return
    store = open_store()
    nodes = lower_graph(store.store_dir, int(arguments[0]), arguments[1])
    store.instantiate(nodes)
    store.close()
    print(nodes[-1].path)


if __name__ == "__main__":
    main(sys.argv[1:])
