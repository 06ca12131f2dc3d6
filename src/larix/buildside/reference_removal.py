"""References to store items taken out of files, where they are of no use to whoever runs them.

A compiler writes the names of its own files into what it makes, and the result would keep the compiler alive.
The hash of such a name is overwritten by digits that no hash has, so that nothing changes its length.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from larix.buildside.names import DIGITS, HASH_LENGTH, store_directory
from larix.buildside.replacement import atomic_replacement

__all__ = ["remove_store_references"]

FileName = str | os.PathLike[str]


def remove_store_references(
    file: FileName, *, only: Iterable[FileName] = (), keep: Iterable[FileName] = ()
) -> int:
    """Overwrite the hashes of store items in a file; how many there were.

    All items are meant, or those of `only`; never those of `keep`. Names of the store directory alone and
    hashes without it stay.
    """
    wanted = {_hash(each) for each in only}
    kept = {_hash(each) for each in keep}
    store = re.escape(os.fsencode(store_directory()))
    pattern = re.compile(rb"(%b/)([%b]{%d})(?=-)" % (store, DIGITS.encode(), HASH_LENGTH))
    count = 0

    def overwritten(match: re.Match[bytes]) -> bytes:
        nonlocal count
        if match[2] in kept or (wanted and match[2] not in wanted):
            return match[0]
        count += 1
        return match[1] + b"e" * HASH_LENGTH

    with atomic_replacement(file) as (old, new):
        new.write(pattern.sub(overwritten, old.read()))
    return count


def _hash(item: FileName) -> bytes:
    name = os.fspath(item).removeprefix(f"{store_directory()}/")
    return os.fsencode(name[:HASH_LENGTH])
