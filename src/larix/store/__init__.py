"""The store on this machine's disk: its database, its files, its locks and its roots.

Layer: above `protocol`, below `builder`; nothing here may import what stands above. A path is made valid as
the last step of everything (data durable, then its row) and made invalid as the first step of its deletion.
Callers of every kind (commands, builder, daemon) use one `LocalStore`, which satisfies `protocol.Store`.

What it must not do: build, download, trust a signature, or know of packages.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from larix.store.ingest import Ingested
    from larix.store.layout import Layout
    from larix.store.local import LocalStore
    from larix.store.opening import open_local_store

__all__ = ["Ingested", "Layout", "LocalStore", "open_local_store"]

# Found when asked for: a command that only needs to know where the store is must not pay for SQLite.
_HOMES = {
    "Ingested": "larix.store.ingest",
    "Layout": "larix.store.layout",
    "LocalStore": "larix.store.local",
    "open_local_store": "larix.store.opening",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
