"""Taking trees into the store: the part between having content and registering it.

Content is first written under a temporary name in the store directory, `<random hash part>-larix-incoming`: a
store path like any other, never valid, and a temporary root of this process. So no collector, Nix's included,
takes it away from under its writer, and after a crash it is garbage without further marks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

from larix.formats import base32
from larix.formats.hashes import Hash
from larix.formats.storepath import StoreDir, StorePath
from larix.store.atomic import exchange, remove_tree, sync_directory
from larix.store.errors import os_failure
from larix.words import tr

__all__ = ["Incoming", "Ingested", "new_incoming"]


class Incoming:
    """A temporary name in the store, for one tree. `watch` is called now and then while it is written."""

    __slots__ = ("file", "watch")

    def __init__(self, file: StorePath, watch: Callable[[], object] | None = None) -> None:
        self.file = file
        self.watch = watch

    def publish(self, path: StorePath) -> None:
        """Give the finished tree its name, durably. The caller holds the lock of `path`, which is not valid.

        What an interrupted writer left there is removed first.
        """
        try:
            try:
                os.rename(self.file, path)
            except OSError:
                if not _exists(path):
                    raise
                remove_tree(path)
                os.rename(self.file, path)
            sync_directory(os.path.dirname(path))
        except OSError as error:
            raise os_failure(tr("create"), path, error) from error

    def replace(self, path: StorePath) -> None:
        """Take the place of `path`, which is valid but damaged; nobody ever finds it missing or half there.

        The caller holds its lock. A crash leaves either tree under the name, and the other as garbage.
        """
        try:
            if _exists(path):
                exchange(self.file, path)
                sync_directory(os.path.dirname(path))
                remove_tree(self.file)
            else:
                os.rename(self.file, path)
                sync_directory(os.path.dirname(path))
        except OSError as error:
            raise os_failure(tr("repair"), path, error) from error

    def discard(self) -> None:
        """Remove what was written; best effort: what stays is garbage."""
        try:
            remove_tree(self.file)
        except OSError:
            return


def new_incoming(store_dir: StoreDir, watch: Callable[[], object] | None = None) -> Incoming:
    return Incoming(StorePath(f"{store_dir}/{base32.encode(os.urandom(20))}-larix-incoming"), watch)


def _exists(file: str) -> bool:
    try:
        os.lstat(file)
    except FileNotFoundError:
        return False
    return True


class Ingested(NamedTuple):
    """A build's output in the store under a temporary name: complete and durable, not yet valid.

    `content_hash` is the hash asked for besides that of the archive, if one was. `size` counts the archive.
    """

    path: StorePath
    nar_hash: Hash
    nar_size: int
    references: frozenset[StorePath]
    content_hash: Hash | None
    incoming: Incoming

    @property
    def file(self) -> str:
        """Where the tree is until it is registered, to be looked at."""
        return self.incoming.file

    @property
    def is_plain_file(self) -> bool:
        """A single file that is not executable: what a flat fixed output must be."""
        mode = os.lstat(self.incoming.file).st_mode
        return stat.S_ISREG(mode) and not mode & 0o111
