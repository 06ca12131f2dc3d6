"""The store on this machine's disk: its database, its files, its locks and its roots.

Layer: above `protocol`, below `builder`; nothing here may import what stands above. A path is made valid as
the last step of everything (data durable, then its row) and made invalid as the first step of its deletion.
Callers of every kind (commands, builder, daemon) use one `LocalStore`, which satisfies `protocol.Store`.

What it must not do: build, download, trust a signature, or know of packages.
"""

from __future__ import annotations

from larix.store.ingest import Ingested
from larix.store.layout import Layout
from larix.store.local import LocalStore, open_local_store

__all__ = ["Ingested", "Layout", "LocalStore", "open_local_store"]
