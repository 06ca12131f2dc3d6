"""Damaged items from what the journal still holds of them."""

from __future__ import annotations

from collections.abc import Iterable

from larix.formats.storepath import StorePath
from larix.store.local import LocalStore

__all__ = ["restore"]


def restore(store: LocalStore, paths: Iterable[StorePath]) -> list[StorePath]:
    """Put back what the journal holds of `paths`, all valid and damaged; those that were."""
    wanted = store.path_infos(paths)
    restored: list[StorePath] = []
    if not wanted:
        return restored
    for record in store.journal.records():
        info = wanted.get(record.path)
        if info is not None and info.nar_hash.algo == "sha256" and info.nar_hash.digest == record.digest:
            with store.lock_paths([record.path]):
                store.replace_from_journal(record)
            del wanted[record.path]
            restored.append(record.path)
    return restored
