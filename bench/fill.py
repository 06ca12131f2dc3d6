"""Fill a store with small items that refer to each other; half of them nothing keeps. For rows F.

    fill.py STORE STATE COUNT

Each item refers to three of the 1,000 before it in its half; what nothing refers to in the first half is a
root.
"""

import os
import random
import sys
from hashlib import sha256

from larix.formats.storepath import StoreDir, StorePath, make_text_path
from larix.store import Layout, open_local_store


def main() -> None:
    store_dir, state_dir, count = StoreDir(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    layout = Layout(store_dir, state_dir, f"{state_dir}/log")
    chance = random.Random(1)
    with open_local_store(layout) as store:
        for half in ("live", "dead"):
            paths: list[StorePath] = []
            texts: list[tuple[str, bytes, list[StorePath], bool]] = []
            used: set[StorePath] = set()
            for number in range(count // 2):
                references = sorted(set(chance.choices(paths[-1000:], k=3))) if paths else []
                used.update(references)
                text = f"{half} {number}\n{' '.join(references)}\n{'x' * 1500}".encode()
                name = f"{half}-{number}"
                texts.append((name, text, references, False))
                paths.append(make_text_path(store_dir, name, sha256(text).digest(), tuple(references)))
            store.add_texts(texts)
            if half == "live":
                for path in set(paths) - used:
                    os.symlink(path, f"{layout.gc_roots_dir}/{os.path.basename(path)}")


main()
