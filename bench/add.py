"""Add a tree to the store of the environment and print its name, as `nix-store --add` does."""

import os
import sys

from larix.store import Layout, open_local_store

store = open_local_store(Layout.from_environment())
print(store.add_path(os.path.basename(sys.argv[1]), sys.argv[1]))
store.close()
