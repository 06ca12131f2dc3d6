"""Is the store what its database says? Existence of every valid path, on demand content and metadata."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from larix.formats.hashes import Hash
from larix.formats.storepath import StorePath
from larix.protocol.store import PathInfo
from larix.store.errors import StoreError
from larix.store.local import LocalStore
from larix.store.metadata import alteration, owner_of_items
from larix.store.pipeline import hash_file
from larix.store.soundness import database_problem

__all__ = ["Altered", "Mismatch", "Verified", "is_intact", "verify"]

_AT_A_TIME = 1000


class Mismatch(NamedTuple):
    """A valid path whose content has another hash than registered, or cannot be read (`actual` is None)."""

    path: StorePath
    expected: Hash
    actual: Hash | None


class Altered(NamedTuple):
    """A valid path whose content is right, and something else about it is not."""

    path: StorePath
    problem: str


class Verified(NamedTuple):
    """What was found wrong.

    `forgotten` are missing paths that were made invalid, `missing` those that stay, because a root or a valid
    path needs them.
    """

    checked: int
    forgotten: list[StorePath]
    missing: list[StorePath]
    mismatches: list[Mismatch]
    database_problem: str | None
    altered: list[Altered]

    @property
    def database_is_sound(self) -> bool:
        return self.database_problem is None

    @property
    def is_sound(self) -> bool:
        return self.database_is_sound and not (self.missing or self.mismatches or self.altered)


def verify(
    store: LocalStore,
    *,
    paths: Iterable[StorePath] | None = None,
    check_contents: bool = False,
    on_path: Callable[[StorePath], object] | None = None,
    keep_derivations: bool = True,
    keep_outputs: bool = False,
) -> Verified:
    """Check all valid paths, or those given. Paths that vanished become invalid if they are garbage.

    That is, if a collection with `keep_derivations` and `keep_outputs` would remove them, and nothing that is
    there refers to them. Content that is wrong is reported and left: whether it can be had again is for
    others to know.
    """
    problem = database_problem(store)
    if problem is not None:
        return Verified(0, [], [], [], problem, [])  # what it says of paths is worth nothing
    wanted = sorted(store.all_valid_paths() if paths is None else paths)
    missing: set[StorePath] = set()
    mismatches: list[Mismatch] = []
    altered: list[Altered] = []
    owner = owner_of_items(store.store_dir)
    for start in range(0, len(wanted), _AT_A_TIME):
        some = wanted[start : start + _AT_A_TIME]
        infos = store.path_infos(some) if check_contents else {}
        for path in some:
            if on_path is not None:
                on_path(path)
            if not os.path.lexists(path):
                missing.add(path)
            elif path in infos:
                actual = _hash_of(infos[path])
                if actual != infos[path].nar_hash:
                    mismatches.append(Mismatch(path, infos[path].nar_hash, actual))
                elif (change := alteration(path, owner)) is not None:
                    altered.append(Altered(path, change))
    needed: set[StorePath] = set()
    if missing:
        needed = _alive(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    forgotten = [
        path
        for path in sorted(missing.difference(needed))
        if store.referrers_closure([path]) <= missing and not os.path.lexists(path)
    ]
    if forgotten:
        store.database.invalidate(forgotten)
    left = sorted(missing.difference(forgotten))
    return Verified(len(wanted), forgotten, left, mismatches, problem, altered)


def _alive(store: LocalStore, *, keep_derivations: bool, keep_outputs: bool) -> set[StorePath]:
    """What roots reach, or everything where that cannot be known."""
    from larix.store.gc import live_paths
    from larix.store.roots import HiddenRoots

    try:
        return live_paths(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    except HiddenRoots:
        return store.all_valid_paths()


def is_intact(info: PathInfo) -> bool:
    """Whether a valid item is there with the content that was registered."""
    return os.path.lexists(info.path) and _hash_of(info) == info.nar_hash


def _hash_of(info: PathInfo) -> Hash | None:
    try:
        digest, _ = hash_file(info.path, info.nar_hash.algo)
    except StoreError:
        return None
    return Hash(info.nar_hash.algo, digest)
